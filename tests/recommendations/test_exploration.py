"""A few places are explored, and every chance that is written down is the true one."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from recommendations import serving
from recommendations.exploration import CHANCE, Drawn, explored
from recommendations.models import BusinessRule, Impression
from tests.factories import NOON, make_customer, make_product

LISTED = [Drawn(pk, 10.0 - pk) for pk in range(1, 11)]
NEXT = [(pk, -float(pk)) for pk in range(11, 25)]


def draws(times=40_000, listed=LISTED, candidates=NEXT, **settings):
    rng = Random(7)
    for _ in range(times):
        yield explored(listed, candidates, rng=rng, **settings)


def test_every_chance_is_the_true_one():
    seen, told, times = Counter(), {}, 40_000
    for drawn in draws(times):
        for place, one in enumerate(drawn):
            seen[place, one.product_id] += 1
            told.setdefault((place, one.product_id), one.propensity)
            assert told[place, one.product_id] == one.propensity
    for cell, propensity in told.items():
        off = 4.5 * (propensity * (1 - propensity) / times) ** 0.5
        assert seen[cell] / times == pytest.approx(propensity, abs=off + 1e-12)
    for place in range(10):  # and they add up: nothing else ever comes there
        assert sum(p for (at, _), p in told.items() if at == place) == pytest.approx(1.0)


def test_weighting_by_the_chance_finds_the_true_mean():
    """Inverse propensity: what all candidates are worth together, from what was drawn."""
    worth = {pk: 1.0 / pk for pk in range(1, 25)}
    times, total = 40_000, 0.0
    reachable = set()
    for drawn in draws(times):
        for one in drawn[5:6]:
            total += worth[one.product_id] / one.propensity
            reachable.add(one.product_id)
    assert total / times == pytest.approx(sum(worth[pk] for pk in reachable), rel=0.05)


def test_the_upper_half_is_never_explored():
    for drawn in draws(300):
        assert drawn[:5] == LISTED[:5]


def test_no_product_is_shown_twice():
    for drawn in draws(2_000):
        assert len({one.product_id for one in drawn}) == 10


def test_a_small_part_of_all_places_is_explored():
    share = sum(one.is_explored for drawn in draws(4_000) for one in drawn) / 40_000
    assert share == pytest.approx(CHANCE / 2, abs=0.005)


def test_what_is_fixed_keeps_its_place():
    for drawn in draws(500, fixed={8}):
        assert drawn[7] == LISTED[7]


def test_with_nothing_to_follow_the_list_stays_and_is_certain():
    assert explored(LISTED, [], rng=Random(1)) == LISTED
    inside = [(one.product_id, one.score) for one in LISTED]
    assert explored(LISTED, inside, rng=Random(1)) == LISTED


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_short_list_is_never_explored(n):
    for drawn in draws(50, listed=LISTED[:n]):
        assert drawn == LISTED[:n]


@pytest.mark.django_db
class TestThroughTheDoor:
    @pytest.fixture
    def shop(self):
        return [make_product(f"P{number}") for number in range(40)]

    def lists(self, customer, times=200, **asked):
        for minute in range(times):
            now = NOON + timedelta(minutes=minute)
            yield serving.recommend(customer, n=10, now=now, **asked)

    def test_a_line_that_is_explored_says_so_and_its_impression_keeps_the_chance(self, shop):
        ada = make_customer()
        tried = [one for lines in self.lists(ada, placement="home") for one in lines]
        found = [one for one in tried if one.reason_code == "different"]
        assert 0.02 < len(found) / len(tried) < 0.09
        assert [one.propensity for one in found] == pytest.approx([CHANCE / 3] * len(found))
        serving.record_impressions(ada, found[:1], placement="home", now=NOON)
        assert Impression.objects.get().propensity == pytest.approx(CHANCE / 3)

    def test_the_same_request_is_answered_alike_when_it_is_looked_at_again(self, shop):
        ada = make_customer()
        first, second = (
            [one.product.pk for lines in self.lists(ada, 30, placement="home") for one in lines]
            for _ in range(2)
        )
        assert first == second

    def test_nothing_is_explored_where_nobody_writes_it_down_or_it_was_asked_for(self, shop):
        ada = make_customer()
        nobody = type(ada)(first_seen_at=NOON, last_seen_at=NOON)
        asked = {"placement": "chat", "within": serving.Constraints()}
        for lines in (
            *self.lists(ada, 30),
            *self.lists(nobody, 30, placement="home"),
            *self.lists(ada, 30, **asked),
        ):
            assert {one.propensity for one in lines} == {1.0}

    def test_what_is_pinned_is_certain(self, shop):
        BusinessRule.objects.create(effect="pin", product=shop[3], place=8)
        for lines in self.lists(make_customer(), 60, placement="home"):
            assert lines[7].product == shop[3]
            assert lines[7].propensity == 1.0
