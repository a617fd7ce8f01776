"""A campaign is judged at any look, at planned ones, or once; opening the page is no look."""

from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse

from campaigns import looking, planning, results
from campaigns.ml import designs
from campaigns.models import Campaign
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON, make_order, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Design = Campaign.Design


@pytest.fixture
def tea(db):
    return make_product(price=10)


def sent(design):
    campaign = make_campaign(holdout_share="0.5", attribution_days=8, design=design, labels=("A",))
    make_members(campaign, 120)
    start(campaign)
    send_all(campaign)
    return campaign


def buy(campaign, number, *, at, of, treated=True):
    rows = campaign.assignments.filter(variant__isnull=not treated).order_by("pk")
    for one in rows.select_related("customer")[:number]:
        make_order(one.customer, of, at=at)


class TestWhenItIsJudged:
    def test_any_look_is_one(self):
        seen = looking.of(Campaign(design=Design.ANY, started_at=NOON), now=NOON + DAY)
        assert (seen.until, seen.looks, seen.next_at, seen.is_due) == (None, None, None, True)

    @pytest.mark.parametrize(
        ("days", "looks", "until", "next_at"),
        [
            (1, (), None, 2),
            (2, (0.25,), 2, 4),
            (5, (0.25, 0.5), 4, 6),
            (30, (0.25, 0.5, 0.75, 1.0), 8, None),
        ],
    )
    def test_planned_looks_lie_at_quarters_of_the_window(self, days, looks, until, next_at):
        campaign = Campaign(design=Design.LOOKS, started_at=NOON, attribution_days=8)
        seen = looking.of(campaign, now=NOON + days * DAY)
        assert seen.looks == looks
        assert seen.until == (until and NOON + until * DAY)
        assert seen.next_at == (next_at and NOON + next_at * DAY)
        assert seen.is_due == bool(looks)

    def test_once_is_when_the_window_has_ended(self):
        campaign = Campaign(design=Design.ONCE, started_at=NOON, attribution_days=8)
        assert not looking.of(campaign, now=NOON + 7 * DAY).is_due
        assert looking.of(campaign, now=NOON + 8 * DAY).looks == (1.0,)

    def test_a_draft_is_not_judged(self):
        assert not looking.of(Campaign(design=Design.ONCE), now=NOON).is_due

    def test_fewer_looks_show_smaller_differences(self):
        levels = [looking.level(design) for design in (Design.ANY, Design.LOOKS, Design.ONCE)]
        assert levels == sorted(levels, reverse=True)
        assert levels[-1] == pytest.approx(0.95)


class TestTheVerdict:
    def test_before_the_look_there_is_none_however_clear_it_seems(self, tea):
        campaign = sent(Design.ONCE)
        buy(campaign, 40, at=NOON + DAY, of=tea)
        found = results.of(campaign, now=NOON + 2 * DAY)
        assert (found.overall.verdict, found.overall.always) == ("waits", None)
        assert found.looks.next_at == campaign.started_at + 8 * DAY

    def test_at_the_look_it_is_named(self, tea):
        campaign = sent(Design.ONCE)
        buy(campaign, 40, at=NOON + DAY, of=tea)
        buy(campaign, 6, at=NOON + DAY, of=tea, treated=False)
        found = results.of(campaign, now=NOON + 9 * DAY)
        assert found.overall.verdict == "better"
        low, high = found.overall.always
        assert 0 < low < found.overall.conversion.estimate < high

    def test_between_looks_what_came_since_does_not_count(self, tea):
        campaign = sent(Design.LOOKS)
        for treated in (True, False):
            buy(campaign, 10, at=NOON + DAY, of=tea, treated=treated)
        buy(campaign, 45, at=NOON + 3 * DAY, of=tea)
        between = results.of(campaign, now=NOON + 3.9 * DAY)
        assert between.overall.verdict == "unclear"
        assert between.overall.conversion.estimate == pytest.approx(0, abs=0.05)
        assert results.of(campaign, now=NOON + 4.1 * DAY).overall.verdict == "better"

    def test_the_funnel_shows_everything_all_the_same(self, tea):
        campaign = sent(Design.ONCE)
        buy(campaign, 40, at=NOON + DAY, of=tea)
        assert dict(results.of(campaign, now=NOON + 2 * DAY).funnel)["converted"] == 40

    def test_the_page_says_when(self, tea, admin_client):
        campaign = sent(Design.LOOKS)
        buy(campaign, 40, at=NOON + DAY, of=tea)
        buy(campaign, 6, at=NOON + DAY, of=tea, treated=False)
        url = reverse("admin:campaigns_campaign_result", args=[campaign.pk])
        assert 'id="verdict"' in admin_client.get(url).content.decode()


def test_the_outlook_follows_the_design(tea):
    campaign = make_campaign(holdout_share="0.5", attribution_days=8)
    for n, member in enumerate(make_members(campaign, 200)):
        if n % 4 == 0:
            make_order(member, tea, at=NOON - DAY)
    found = {}
    for design in (Design.ANY, Design.ONCE):
        campaign.design = design
        found[design] = planning.outlook(campaign, now=NOON)
    assert found[Design.ONCE].smallest < found[Design.ANY].smallest
    assert found[Design.ONCE].needed < found[Design.ANY].needed


@pytest.mark.parametrize("hurry", [1.0, 2.0])
def test_four_looks_at_nothing_seldom_name_a_winner(hurry):
    """1,000 campaigns that change nothing, purchases spread evenly or early in the window."""
    rng, runs, size, base = np.random.default_rng(0), 1_000, 4_000, 0.08
    edges = np.array(designs.bounds(looking.LOOKS))
    seen = []
    for _arm in range(2):
        bought = rng.binomial(size, base, runs)
        share = np.array(looking.LOOKS) ** (1 / hurry)  # of the purchases, until each look
        steps = [rng.multinomial(n, np.diff(share, prepend=0.0)) for n in bought]
        seen.append(np.cumsum(steps, axis=1) / size)
    error = np.sqrt(sum(rate * (1 - rate) / size for rate in seen))
    stopped = (np.abs(seen[0] - seen[1]) > edges * error).any(axis=1).mean()
    assert stopped <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5
