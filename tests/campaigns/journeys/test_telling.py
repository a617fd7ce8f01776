"""The message of a journey speaks of what let its reader in: the product, its price, the cart."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import rendering, sending
from campaigns.journeys import telling, words
from campaigns.journeys.recipes import RECIPES
from campaigns.models import Campaign, Delivery
from crm.models import CartItem, Product
from tests.campaigns.journeys.world import (
    ADDED,
    entry,
    graph,
    happens,
    hears,
    launched,
    leave,
    mail,
    reader,
    tell,
)
from tests.campaigns.world import make_template
from tests.factories import NOON, make_customer, make_product

pytestmark = pytest.mark.django_db
SAYS = (
    "{{ event.product.title | default: 'something' }} for {{ event.product.price }}"
    " instead of {{ event.product.old_price | default: 'that' }}"
    "{% for line in event.cart %}; {{ line.quantity }} x {{ line.title }}{% endfor %}"
)


def template(says=SAYS):
    body = '<p><a href="{{ event.product.url }}">go</a> ' + says + "</p>"
    return make_template(subject_en=says, body_en=body, subject_zh="", body_zh="")


def at_once(event=ADDED, says=SAYS, **fields):
    node = mail(template=template(says).pk)
    return launched(graph(entry(event, to="mail"), node, leave()), **fields)


def send(journey, now=NOON):
    for campaign in Campaign.objects.filter(journey=journey).select_related("topic"):
        sending.send_batch(campaign, owner="worker-1", now=now)


@pytest.fixture
def tea():
    return make_product("tea", title_en="Green tea", price=20)


def test_it_names_the_product_and_its_price(tea, outbox_of_channel):
    journey = at_once()
    tell(reader(), sku="tea")
    send(journey)
    assert outbox_of_channel[0]["subject"] == "Green tea for 20.00 instead of that"


def test_a_lower_price_is_told_beside_the_old_one_as_it_was_told(tea, outbox_of_channel):
    journey = at_once("campaigns.price_dropped")
    tell(reader(), "campaigns.price_dropped", sku="tea", before="25.00", price="20.00")
    send(journey)
    assert outbox_of_channel[0]["subject"] == "Green tea for 20.00 instead of 25.00"


@pytest.mark.parametrize("data", [{"before": "x", "price": "1"}, {"before": "1", "price": "2"}, {}])
def test_a_price_that_did_not_fall_is_not_called_old(tea, outbox_of_channel, data):
    journey = at_once("campaigns.price_dropped")
    tell(reader(), "campaigns.price_dropped", sku="tea", **data)
    send(journey)
    assert "instead of that" in outbox_of_channel[0]["subject"]


def test_the_cart_is_what_lies_in_it_when_the_message_is_made(tea, outbox_of_channel):
    journey, ada = at_once(), reader()
    tell(ada, sku="tea")
    CartItem.objects.create(customer=ada, product=tea, quantity=2, added_at=NOON)
    send(journey)
    assert outbox_of_channel[0]["subject"].endswith("; 2 x Green tea")


def test_an_order_is_told_with_its_products_and_number(tea, outbox_of_channel):
    says = "{{ event.number }}: {% for one in event.products %}{{ one.title }}{% endfor %}"
    journey = at_once("crm.order_placed", says)
    tell(reader(), "crm.order_placed", number="SO1", skus=["tea", "gone"])
    send(journey)
    assert outbox_of_channel[0]["subject"] == "SO1: Green tea"


@pytest.mark.parametrize("data", [{}, {"sku": "gone"}, {"sku": 7}, {"sku": ["tea"]}, {"skus": 3}])
def test_what_is_not_known_leaves_room_for_the_default(outbox_of_channel, data):
    journey = at_once()
    tell(reader(), **data)
    send(journey)
    assert outbox_of_channel[0]["subject"].startswith("something for")


def test_names_are_escaped_and_links_are_tracked(tea, outbox_of_channel):
    Product.objects.update(title_en="<b>Tea</b>")
    journey = at_once()
    tell(reader(), sku="tea")
    send(journey)
    html = outbox_of_channel[0]["html"]
    assert "<b>Tea</b>" not in html
    assert "&lt;b&gt;Tea" in html
    assert "/t/c/" in html
    assert "/product/tea/" not in html


def test_everybody_reads_of_their_own_event(tea, outbox_of_channel):
    make_product("cup", title_en="Cup", price=5)
    journey = at_once()
    ada, bob = reader("Ada"), reader("Bob")
    hears(happens(ada, sku="tea"), happens(bob, sku="cup"))
    send(journey)
    said = {one["to"]: one["subject"][:3] for one in outbox_of_channel}
    assert said == {ada.email: "Gre", bob.email: "Cup"}


def test_who_comes_again_reads_of_the_new_event(tea, outbox_of_channel):
    make_product("cup", title_en="Cup", price=5)
    journey, ada = at_once(again="after"), reader()
    tell(ada, sku="tea")
    tell(ada, sku="cup", at=NOON + timedelta(days=1))
    send(journey, NOON + timedelta(days=1))
    assert sorted(one["subject"][:3] for one in outbox_of_channel) == ["Cup", "Gre"]


def test_a_batch_costs_the_same_for_few_and_many(tea):
    def cost(number):
        journey = at_once()
        hears(*(happens(reader(), sku="tea") for _ in range(number)))
        deliveries = Delivery.objects.filter(campaign__journey=journey)
        wishes = dict.fromkeys(deliveries.values_list("pk", flat=True), "en")
        with CaptureQueriesContext(connection) as asked:
            assert len(telling.of_deliveries(wishes, journey_id=journey.pk)) == number
        return len(asked)

    assert cost(2) == cost(12) == 5


def test_a_template_that_does_not_speak_of_it_costs_nothing():
    assert not telling.is_wanted(make_template(), "en")
    assert not telling.is_wanted(make_template(body_en="<p>the main event. of</p>"), "zh")


class TestThePreview:
    def test_it_takes_the_customer_s_newest_event(self, tea):
        ada = make_customer()
        happens(ada, sku="tea")
        shown = rendering.preview(template(), ada, now=NOON)
        assert shown.subject.startswith("Green tea for 20.00")
        assert "event.product.title" not in shown.missing
        assert "event.product.price" not in shown.missing

    def test_it_says_what_is_missing(self):
        shown = rendering.preview(template(), make_customer(), now=NOON)
        assert any("event.product" in name for name in shown.missing)
        assert shown.subject.startswith("something")


class TestTheReadyMade:
    @pytest.mark.parametrize("code", sorted(words.WORDS))
    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_its_template_can_be_sent_with_and_without_an_event(self, tea, code, language):
        assert code in RECIPES
        said = words.template_for(code, f"Ready {code}")
        assert rendering.errors(said) == {}
        ada = make_customer(language=language)
        empty = rendering.preview(said, ada, now=NOON)
        assert empty.subject
        assert "None" not in empty.html
        if code == "price":
            happens(ada, "campaigns.price_dropped", sku="tea", before="25.00", price="20.00")
        else:
            happens(ada, sku="tea")
        full = rendering.preview(said, ada, now=NOON)
        assert tea.title_in(language) in full.html
        assert ("25.00" in full.html) is (code == "price")

    def test_staff_s_own_words_stay(self):
        first = words.template_for("cart", "Cart")
        first.subject_en = "Ours"
        first.save()
        assert words.template_for("cart", "Cart").subject_en == "Ours"

    def test_there_is_none_for_the_others(self):
        assert words.template_for("blank", "x") is None
