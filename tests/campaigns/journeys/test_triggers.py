"""What lets people in beside an event: a segment, the clock, a product that changed; and the outbox."""

from datetime import timedelta

import pytest

from campaigns.journeys import clockwork, kinds, steering, watching
from campaigns.models import Delivery, Passage
from crm import outbox, timeline
from crm.events import ProductAdded
from crm.models import CartItem, Event, Membership, Product
from tests.campaigns.journeys.world import (
    cart_reminder,
    graph,
    happens,
    launched,
    passage,
    reader,
    tell,
)
from tests.campaigns.world import make_segment, make_template
from tests.factories import NOON, make_customer, make_product

pytestmark = pytest.mark.django_db


def begins(**trigger):
    draft = cart_reminder(make_template())
    draft["nodes"][0] = {"id": "entry", "kind": "entry", "next": "pause"} | trigger
    return draft


def test_coming_into_a_segment_lets_in():
    make_segment("vip")
    journey = launched(begins(trigger="segment", segment="vip"))
    ada, bob = reader(), reader("Bob")
    assert tell(ada, "crm.segment_entered", segment="vip") == 1
    assert tell(bob, "crm.segment_entered", segment="others") == 0
    assert passage(journey).customer == ada
    assert passage(journey).steps.first().detail["segment"] == "vip"


def test_the_clock_lets_a_whole_segment_in_once_a_day():
    segment = make_segment("vip")
    people = [reader(f"P{i}") for i in range(5)]
    for person in people[:4]:
        Membership.objects.create(segment=segment, customer=person, entered_at=NOON)
    draft = begins(trigger="recurring", every="day", at="18:00", segment="vip")
    journey = launched(draft, again="after")
    assert clockwork.let_in(now=NOON + timedelta(hours=5)) == 0
    assert clockwork.let_in(now=NOON + timedelta(hours=6, minutes=1)) == 4
    assert clockwork.let_in(now=NOON + timedelta(hours=6, minutes=2)) == 0
    journey.refresh_from_db()
    assert journey.recurred_to == NOON + timedelta(hours=6)


def test_a_clock_killed_on_the_way_lets_nobody_in_twice(monkeypatch):
    rule = {"field": "language", "op": "=", "value": "en"}
    [reader(f"P{i}") for i in range(5)]
    draft = begins(trigger="recurring", every="week", weekday=6, at="18:00", rule=rule)
    journey = launched(draft, again="after")  # NOON is a Sunday
    monkeypatch.setattr(clockwork, "BATCH", 2)
    moment = NOON + timedelta(hours=6, minutes=1)
    assert clockwork.let_in(now=moment) == 5
    type(journey).objects.update(recurred_to=None)
    assert clockwork.let_in(now=moment) == 0
    assert Passage.objects.count() == 5


def test_what_the_clock_struck_before_the_launch_is_past():
    rule = {"field": "language", "op": "=", "value": "en"}
    reader()
    launched(begins(trigger="recurring", every="day", at="11:00", rule=rule))
    assert clockwork.let_in(now=NOON + timedelta(minutes=1)) == 0


@pytest.fixture
def watched(db):
    """A journey on falling prices; somebody looked at a phone, somebody has it in the cart."""
    journey = launched(begins(trigger="event", event="campaigns.price_dropped"))
    phone = make_product("phone", price=100)
    watching.watch(now=NOON)
    viewer, buyer = reader("Viewer"), reader("Buyer")
    happens(viewer, "crm.product_viewed", sku="phone")
    happens(reader("Other"), "crm.product_viewed", sku="lamp")
    CartItem.objects.create(customer=buyer, product=phone, added_at=NOON)
    return journey, phone, {viewer.pk, buyer.pk}


def told(kind):
    return set(Event.objects.filter(kind=kind).values_list("customer", flat=True))


def test_a_lower_price_is_told_once_to_who_looked_or_has_it_in_the_cart(watched):
    _journey, phone, people = watched
    Product.objects.filter(pk=phone.pk).update(price=80)
    assert watching.watch(now=NOON + timedelta(hours=1)) == 2
    assert watching.watch(now=NOON + timedelta(hours=2)) == 0
    assert told("campaigns.price_dropped") == people
    event = Event.objects.filter(kind="campaigns.price_dropped").first()
    assert event.data == {"sku": "phone", "before": "100.00", "price": "80.00"}


def test_a_higher_price_is_remembered_and_not_told(watched):
    _journey, phone, _people = watched
    for price, number in ((120, 0), (110, 2)):
        Product.objects.filter(pk=phone.pk).update(price=price)
        assert watching.watch(now=NOON + timedelta(minutes=price)) == number


def test_what_can_be_bought_again_is_told(watched):
    _journey, phone, people = watched
    for stock, number in ((0, 0), (5, 2), (4, 0)):
        Product.objects.filter(pk=phone.pk).update(stock=stock)
        assert watching.watch(now=NOON + timedelta(hours=9 - stock)) == number
    assert told("campaigns.back_in_stock") == people


def test_nobody_watches_products_while_no_journey_listens():
    launched()
    make_product()
    assert watching.watch(now=NOON) == 0
    assert watching.ProductWatch.objects.count() == 0


def test_only_what_a_journey_waits_for_is_handed_to_it(monkeypatch):
    heard = []
    monkeypatch.setattr("campaigns.tasks.hear.delay", lambda **ids: heard.append(ids))
    journey, ada = launched(), reader()
    timeline.record(ada, ProductAdded(sku="x"), at=NOON, key="1")
    assert outbox.dispatch(now=NOON) == 1
    assert heard == [{"event_ids": [Event.objects.get(kind="crm.product_added").pk]}]
    steering.end(journey, now=NOON)
    timeline.record(ada, ProductAdded(sku="x"), at=NOON, key="2")
    assert outbox.dispatch(now=NOON) == 0
    assert kinds.wanted() == frozenset()


def test_from_the_shop_to_the_queue_by_the_outbox(django_capture_on_commit_callbacks):
    launched(graph(*begins(trigger="event", event="crm.product_added")["nodes"]))
    ada = make_customer()
    with django_capture_on_commit_callbacks(execute=True):
        timeline.record(ada, ProductAdded(sku="x"), at=NOON, key="1")
    one = Passage.objects.get()
    assert (one.customer, one.node) == (ada, "pause")
    assert not Delivery.objects.exists()
