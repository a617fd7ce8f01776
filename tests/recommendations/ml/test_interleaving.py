"""Both rankers get the same places; the better one is clicked; the same one never wins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.ml.sequences import share
from recommendations.ml.interleaving import FIRST, SECOND, chances, preferred, team_draft

RANKED = st.lists(st.integers(0, 30), max_size=20)


def rng(seed=0):
    return np.random.default_rng(seed)


class TestDraft:
    @given(RANKED, RANKED, st.integers(0, 15), st.integers(0, 9))
    def test_no_product_twice_and_no_place_empty_that_could_be_filled(self, one, other, n, seed):
        drafted = [d.product for d in team_draft(one, other, n=n, rng=rng(seed))]
        assert len(drafted) == len(set(drafted)) == min(n, len({*one, *other}))

    @given(RANKED, RANKED, st.integers(0, 9))
    def test_every_product_is_the_best_its_ranker_had_left(self, one, other, seed):
        taken = set()
        for drafted in team_draft(one, other, n=40, rng=rng(seed)):
            ranked = (one, other)[drafted.team]
            assert drafted.product == next(p for p in ranked if p not in taken)
            taken.add(drafted.product)

    @given(st.permutations(range(12)), st.permutations(range(12)), st.integers(0, 9))
    def test_teams_are_never_more_than_one_apart(self, one, other, seed):
        teams = [drafted.team for drafted in team_draft(one, other, n=12, rng=rng(seed))]
        for length in range(1, 13):
            assert abs(teams[:length].count(FIRST) - teams[:length].count(SECOND)) <= 1

    def test_who_comes_first_is_a_fair_coin(self):
        first = [team_draft([1, 2], [3, 4], n=1, rng=rng(seed))[0].team for seed in range(2_000)]
        assert np.mean(first) == pytest.approx(0.5, abs=0.03)

    def test_the_same_generator_gives_the_same_list(self):
        assert team_draft([1, 2, 3], [4, 5], n=4, rng=rng(7)) == team_draft(
            [1, 2, 3], [4, 5], n=4, rng=rng(7)
        )

    def test_where_one_ranker_has_nothing_the_other_fills_the_list(self):
        assert [d.product for d in team_draft([], [3, 1], n=5, rng=rng())] == [3, 1]


def test_more_clicks_are_preferred_and_as_many_say_nothing():
    assert preferred(2, 1) == FIRST
    assert preferred(0, 1) == SECOND
    assert preferred(0, 0) is None
    assert preferred(2, 2) is None


def people(noises, *, size, seed):
    """(people who prefer one,) what each clicked most of: lists by taste plus two rankers' noise."""
    chance = rng(seed)
    seen = 1.0 / np.log2(np.arange(2, 12))
    for _ in range(size):
        taste = chance.normal(size=30)
        ranked = [np.argsort(-(taste + noise * chance.normal(size=30))) for noise in noises]
        drafted = team_draft(*[r.tolist() for r in ranked], n=10, rng=chance)
        appeal = 0.5 / (1 + np.exp(1.0 - taste[[d.product for d in drafted]]))
        clicked = chance.random(10) < appeal * seen
        teams = [d.team for d, c in zip(drafted, clicked, strict=True) if c]
        winner = preferred(teams.count(FIRST), teams.count(SECOND))
        if winner is not None:
            yield winner


def winner_when_looked_at_each_time(winners):
    """The first team that an interval ever favours, looked at after every single person."""
    hits = 0
    for size, team in enumerate(winners, start=1):
        hits += team == SECOND
        interval = share(hits, size)
        if interval.low > 0.5 or interval.high < 0.5:
            return SECOND if interval.low > 0.5 else FIRST
    return None


class TestWinner:
    def test_the_better_ranker_is_found(self):
        found = [
            winner_when_looked_at_each_time(people((0.3, 2.0), size=1_500, seed=seed))
            for seed in range(8)
        ]
        assert found == [FIRST] * 8

    def test_a_ranker_beside_itself_wins_in_at_most_one_test_of_twenty(self):
        found = [
            winner_when_looked_at_each_time(people((1.0, 1.0), size=150, seed=seed))
            for seed in range(120)
        ]
        assert sum(one is not None for one in found) <= 6


class TestChances:
    @given(RANKED, RANKED, st.integers(0, 12))
    def test_every_place_is_filled_by_somebody_and_no_product_more_than_once(self, one, other, n):
        found = chances(one, other, n=n)
        assert len(found) == min(n, len({*one, *other}))
        for place in found:
            assert sum(place.values()) == pytest.approx(1.0)
        for product in {*one, *other}:
            assert sum(place.get(product, 0.0) for place in found) <= 1.0 + 1e-9

    def test_they_are_what_many_drafts_come_to(self):
        one, other = [1, 2, 3, 4, 5, 6], [2, 1, 7, 3, 8, 4]
        found, count, chance = chances(one, other, n=6), 20_000, rng()
        drafts = np.array(
            [[d.product for d in team_draft(one, other, n=6, rng=chance)] for _ in range(count)]
        )
        for place, likely in enumerate(found):
            for product, expected in likely.items():
                assert (drafts[:, place] == product).mean() == pytest.approx(expected, abs=0.015)

    def test_what_both_put_first_is_first(self):
        assert chances([1, 2], [1, 3], n=3)[0] == {1: 1.0}

    def test_long_lists_are_no_burden(self):
        one, other = rng(1).permutation(200).tolist(), rng(2).permutation(200).tolist()
        assert len(chances(one, other, n=100)) == 100
