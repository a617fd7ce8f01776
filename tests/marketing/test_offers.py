"""The offer of the front page: decided once a day for who is known here, and rewarded by a click."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Action, Coupon, Decision, Reward, Veto
from campaigns.tasks import reward_order
from crm import customers
from crm.models import Event
from marketing.shop.visitor import COOKIE
from tests.campaigns.decisions.world import make_action, make_placement
from tests.factories import NOON, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea():
    return make_product("TEA", title_en="Green tea", title_zh="绿茶", price=30)


@pytest.fixture
def banner():
    return make_placement("home-banner")


@pytest.fixture
def visitor(client, tea, time_machine):
    """Somebody who has looked at a product, and is somebody therefore."""
    time_machine.move_to(NOON, tick=False)
    client.get("/product/TEA/")
    return client


def customer_of(client):
    return customers.find("anonymous_id", client.cookies[COOKIE].value)


def page(client, **headers):
    return client.get("/", headers=headers).content.decode()


def test_from_the_page_to_the_click_and_the_purchase(visitor, banner, tea, time_machine):
    make_action(banner, "tea", name_en="Tea week", product=tea)
    assert "Tea week" in page(visitor)
    row = Decision.objects.get()
    ada = customer_of(visitor)
    assert (row.customer, row.choice, row.propensity) == (ada, "tea", 1.0)

    time_machine.move_to(NOON + timedelta(minutes=3), tick=False)
    answer = visitor.get(f"/offer/{row.public_id}/")
    assert (answer.status_code, answer["Location"]) == (302, "/product/TEA/")
    time_machine.move_to(NOON + timedelta(minutes=9), tick=False)
    visitor.post("/cart/add/TEA/")
    visitor.post("/cart/order/", {"name": "Ada", "email": "ada@example.org"})
    reward_order(event_id=Event.objects.of_kind("crm.order_placed").get().pk)
    assert {(r.kind, int(r.value)) for r in row.rewards.all()} == {("click", 0), ("conversion", 30)}
    kinds = Event.objects.filter(kind__startswith="campaigns.offer").order_by("pk")
    told = {"decision": str(row.public_id), "placement": "home-banner", "action": "tea"}
    assert [(e.kind, e.data) for e in kinds] == [
        ("campaigns.offer_shown", told),
        ("campaigns.offer_clicked", told),
    ]


def test_the_same_day_shows_the_same_and_the_next_is_decided_anew(visitor, banner, time_machine):
    for slug in "abcdefgh":
        make_action(banner, slug)
    pages = set()
    for hours in (0, 1, 5):
        time_machine.move_to(NOON + timedelta(hours=hours), tick=False)
        page(visitor)
        pages |= set(Decision.objects.values_list("choice", flat=True))
    assert len(pages) == Decision.objects.count() == 1
    assert Event.objects.of_kind("campaigns.offer_shown").count() == 1
    time_machine.move_to(NOON + timedelta(days=1), tick=False)
    page(visitor)
    assert Decision.objects.count() == 2


def test_looking_makes_nobody_and_nobody_gets_an_offer(client, banner, tea):
    make_action(banner, "tea", name_en="Tea week")
    assert "Tea week" not in page(client)
    assert not Decision.objects.exists()


def test_what_goes_by_mail_is_not_shown_on_a_page(visitor, banner):
    make_action(banner, "mail", name_en="A letter", channel="email")
    assert "A letter" not in page(visitor)
    assert Decision.objects.get().refused["mail"][0] == "elsewhere"


def test_a_shop_without_the_placement_or_with_it_closed_has_no_offer(visitor, tea):
    assert 'class="offer"' not in page(visitor)
    closed = make_placement("home-banner", is_active=False)
    make_action(closed, "tea")
    assert 'class="offer"' not in page(visitor)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("end", ["veto", "veto of theirs", "off", "sold out", "over"])
def test_what_may_not_be_any_more_is_gone_from_the_next_page(visitor, banner, tea, end):
    action = make_action(banner, "tea", name_en="Tea week", product=tea)
    assert "Tea week" in page(visitor)
    if end.startswith("veto"):
        whose = customer_of(visitor) if end == "veto of theirs" else None
        Veto.objects.create(action=action, customer=whose, reason="Stop", at=NOON)
    elif end == "off":
        Action.objects.update(is_active=False)
    elif end == "sold out":
        type(tea).objects.update(stock=0)
    else:
        Action.objects.update(active_until=NOON)
    assert "Tea week" not in page(visitor)
    assert Decision.objects.count() == 1


def test_the_veto_for_another_changes_nothing(visitor, banner):
    action = make_action(banner, "tea", name_en="Tea week")
    page(visitor)
    other = customers.resolve({"anonymous_id": "x" * 20}, source="test", at=NOON)
    Veto.objects.create(action=action, customer=other, reason="Stop", at=NOON)
    assert "Tea week" in page(visitor)


def test_it_speaks_the_reader_s_language_and_names_the_coupon(visitor, banner):
    coupon = Coupon.objects.create(
        code="TEN", text_en="Ten off", text_zh="减十元", valid_to=NOON.date()
    )
    make_action(banner, "ten", name_zh="本周立减", coupon=coupon)
    text = page(visitor, **{"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "本周立减" in text
    assert "减十元" in text
    assert "<strong>TEN</strong>" in text


def test_a_name_is_text_and_never_markup(visitor, banner):
    make_action(banner, "x", name_en="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(visitor)


def test_a_click_is_one_reward_and_only_of_the_own_decision(visitor, banner):
    make_action(banner, "ten")
    page(visitor)
    row = Decision.objects.get()
    stranger = Client()
    stranger.get("/product/TEA/")
    for other in (Client(), stranger):
        assert other.get(f"/offer/{row.public_id}/").status_code == 302
    visitor.head(f"/offer/{row.public_id}/")
    assert not Reward.objects.exists()
    for _ in range(2):
        assert visitor.get(f"/offer/{row.public_id}/")["Location"] == "/#shelves"
    assert row.rewards.count() == 1
    assert visitor.get(f"/offer/{uuid.uuid4()}/")["Location"] == "/#shelves"


def test_a_click_after_the_window_leads_on_and_rewards_nothing(visitor, banner, time_machine):
    make_action(banner, "ten")
    page(visitor)
    time_machine.move_to(NOON + timedelta(days=banner.attribution_days), tick=False)
    assert visitor.get(f"/offer/{Decision.objects.get().public_id}/").status_code == 302
    assert not Reward.objects.exists()


def test_a_page_that_was_decided_for_asks_a_few_questions_more(visitor, banner):
    make_action(banner, "ten")
    banner.is_active = False
    banner.save()
    page(visitor)
    with CaptureQueriesContext(connection) as without:
        page(visitor)
    banner.is_active = True
    banner.save()
    page(visitor)
    with CaptureQueriesContext(connection) as queries:
        page(visitor)
    assert len(queries) - len(without) <= 4
