"""What a campaign can show, said before it starts."""

from datetime import timedelta

import pytest

from campaigns import planning
from tests.campaigns.world import make_campaign, make_members
from tests.factories import NOON, make_order, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def campaign():
    campaign = make_campaign(holdout_share="0.5", attribution_days=10)
    make_members(campaign, 200)
    tea = make_product(price=10)
    members = [m.customer for m in campaign.segment.memberships.select_related("customer")]
    for customer in members[:40]:
        make_order(customer, tea, at=NOON - 2 * DAY)
        make_order(customer, tea, at=NOON - 3 * DAY)
    make_order(members[50], tea, at=NOON - 11 * DAY)
    make_order(members[51], tea, at=NOON + DAY)
    return campaign


def test_the_base_is_who_bought_in_as_many_days_as_the_window_has(campaign):
    seen = planning.outlook(campaign, now=NOON)
    assert (seen.size, seen.held_out, seen.base, seen.days) == (200, 100, 0.2, 10)
    assert seen.risen == pytest.approx(0.2 * (1 + seen.smallest))
    assert 0.5 < seen.smallest < 2.0
    assert seen.needed > 10_000


def test_without_a_holdout_nothing_is_promised(campaign):
    campaign.holdout_share = 0
    seen = planning.outlook(campaign, now=NOON)
    assert (seen.smallest, seen.needed, seen.risen) == (None, None, None)


def test_where_nobody_bought_nothing_is_promised(campaign):
    seen = planning.outlook(campaign, now=NOON + 60 * DAY)
    assert (seen.base, seen.smallest, seen.needed) == (0.0, None, None)


def test_an_empty_audience_has_an_outlook_of_nothing():
    seen = planning.outlook(make_campaign(), now=NOON)
    assert (seen.size, seen.base, seen.smallest) == (0, 0.0, None)


def test_it_asks_two_queries(campaign, django_assert_num_queries):
    with django_assert_num_queries(2):
        planning.outlook(campaign, now=NOON)
