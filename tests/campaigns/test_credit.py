"""Credit by rules of attribution: what went before a purchase, this campaign's and others'."""

from datetime import timedelta

import pytest

from campaigns import credit
from campaigns.models import Delivery
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON, make_order, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def sent(outbox_of_channel):
    campaign = make_campaign(holdout_share="0.2", labels=("A",), attribution_days=7)
    make_members(campaign, 30)
    start(campaign)
    send_all(campaign)
    Delivery.objects.update(sent_at=NOON)
    return campaign


@pytest.fixture
def tea(db):
    return make_product(price=10)


def treated(campaign):
    rows = campaign.assignments.exclude(variant=None).order_by("pk").select_related("customer")
    return [assignment.customer for assignment in rows]


def test_a_purchase_after_the_only_message_is_wholly_its_own(sent, tea):
    make_order(treated(sent)[0], tea, at=NOON + DAY)
    make_order(treated(sent)[0], tea, at=NOON + 2 * DAY)
    for one in credit.of(sent):
        assert (one.purchases, one.revenue, one.elsewhere, one.untouched) == (1, 20, 0, 0)


def test_a_message_of_another_campaign_shares_it_by_the_rule(sent, tea):
    other = make_campaign(holdout_share=0, labels=("X",), segment=sent.segment, cap_messages=None)
    start(other)
    send_all(other)
    other.deliveries.update(sent_at=NOON + DAY)
    make_order(treated(sent)[0], tea, at=NOON + 2 * DAY)
    found = {one.model: (one.purchases, one.elsewhere) for one in credit.of(sent)}
    assert found["first"] == (1, 0)
    assert found["last"] == (0, 1)
    assert found["linear"] == found["position"] == (0.5, 0.5)
    assert found["time_decay"][0] < 0.5


def test_purchases_before_the_message_or_of_the_unreached_are_nobodys(sent, tea):
    early, unreached = treated(sent)[:2]
    sent.deliveries.filter(customer=early).update(sent_at=NOON + 3 * DAY)
    sent.deliveries.filter(customer=unreached).update(status="failed", reason="550")
    for customer in (early, unreached):
        make_order(customer, tea, at=NOON + 2 * DAY)
    assert {(one.purchases, one.untouched) for one in credit.of(sent)} == {(0, 2)}


def test_the_held_out_and_purchases_beyond_the_window_do_not_count(sent, tea):
    held_out = sent.assignments.filter(variant=None).first().customer
    make_order(held_out, tea, at=NOON + DAY)
    make_order(treated(sent)[0], tea, at=NOON + 8 * DAY)
    assert credit.of(sent) == []


def test_a_draft_has_none():
    assert credit.of(make_campaign()) == []


def test_it_asks_two_queries(sent, tea, django_assert_num_queries):
    for customer in treated(sent)[:9]:
        make_order(customer, tea, at=NOON + DAY)
    with django_assert_num_queries(2):
        credit.of(sent)
