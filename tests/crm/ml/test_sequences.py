"""Intervals hold however often they are looked at, and find what is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.ml.sequences import (
    NARROWEST,
    PLANNED,
    Look,
    gain,
    p_of_difference,
    p_value,
    reach,
    share,
)

RUNS, LENGTH = 400, 1_000


def stopped(chance, *, seed, leaves_out=0.5):
    """(runs,) the first size at which each run's interval leaves a share out; 0 for never."""
    tosses = np.random.default_rng(seed).random((RUNS, LENGTH)) < chance
    hits, sizes = tosses.cumsum(axis=1), np.arange(1, LENGTH + 1)
    # gain() is a formula of counts: here over all looks of all runs at once.
    stake = np.vectorize(lambda h, n: gain(h, n, against=leaves_out))(hits, sizes)
    out = stake > np.log(20)
    return np.where(out.any(axis=1), out.argmax(axis=1) + 1, 0)


class TestLookedAtAgainAndAgain:
    def test_a_fair_coin_is_suspected_in_less_than_one_run_of_twenty(self):
        assert (stopped(0.5, seed=0) > 0).mean() <= 0.05

    def test_where_an_ordinary_interval_is_fooled_in_a_third(self):
        tosses = np.random.default_rng(0).random((RUNS, LENGTH)) < 0.5
        sizes = np.arange(1, LENGTH + 1)
        apart = np.abs(tosses.cumsum(axis=1) / sizes - 0.5) * 2 * np.sqrt(sizes)
        assert (apart[:, 20:] > 1.96).any(axis=1).mean() > 0.3

    def test_any_true_share_stays_inside(self):
        assert (stopped(0.8, seed=1, leaves_out=0.8) > 0).mean() <= 0.05

    def test_a_preference_of_three_in_five_is_found(self):
        found = stopped(0.6, seed=2)
        assert (found > 0).mean() > 0.95
        assert np.median(found[found > 0]) < 350


class TestInterval:
    def test_nothing_seen_is_nothing_known(self):
        none = share(0, 0)
        assert (none.low, none.high, none.size) == (0.0, 1.0, 0)

    @given(st.integers(0, 500), st.integers(0, 500))
    def test_it_holds_what_was_seen_and_stays_a_share(self, hits, misses):
        found = share(hits, hits + misses)
        assert 0.0 <= found.low <= found.share <= found.high <= 1.0

    @given(st.integers(0, 300), st.integers(0, 300))
    def test_hits_and_misses_are_mirrored(self, hits, misses):
        one, other = share(hits, hits + misses), share(misses, hits + misses)
        assert one.low == pytest.approx(1 - other.high, abs=1e-6)

    @given(st.integers(0, 200), st.integers(1, 200))
    def test_its_ends_are_where_the_stake_is_twentyfold(self, hits, misses):
        found = share(hits, hits + misses)
        for end in (found.low, found.high):
            if 0.001 < end < 0.999:
                stake = gain(hits, hits + misses, against=end)
                assert stake == pytest.approx(np.log(20), abs=1e-2)

    def test_it_narrows(self):
        widths = [share(n // 2, n).high - share(n // 2, n).low for n in (10, 100, 1_000, 100_000)]
        assert widths == sorted(widths, reverse=True)
        assert widths[-1] < 0.02

    def test_more_hits_than_trials_are_refused(self):
        with pytest.raises(ValueError, match="3 hits of 2"):
            share(3, 2)


def test_the_p_value_is_small_where_the_interval_leaves_the_share_out():
    assert p_value(90, 120) < 0.05 < p_value(65, 120)
    assert share(90, 120).low > 0.5
    assert share(65, 120).low < 0.5
    assert p_value(5, 10) == 1.0


class TestDifference:
    """Two arms of a shop that converts one visitor in twenty, looked at again and again."""

    BASE, LOOKS, LONGEST = 0.05, 300, 60_000

    def looked_at(self, more, *, runs=300, seed=0):
        """(runs,) units of each arm when zero first was left out; infinite for never."""
        rng = np.random.default_rng(seed)
        step = self.LONGEST // self.LOOKS
        units = step * np.arange(1, self.LOOKS + 1)
        one, other = (
            rng.binomial(step, rate, (runs, self.LOOKS)).cumsum(axis=1) / units
            for rate in (self.BASE * (1 + more), self.BASE)
        )
        error = np.sqrt((one * (1 - one) + other * (1 - other)) / units)
        # As reach() has it, for all looks of all runs at once.
        spread = NARROWEST * error**2 * units / PLANNED
        wide = 2 * np.log(20) + np.log((error**2 + spread) / error**2)
        out = np.abs(one - other) > np.sqrt(error**2 * (error**2 + spread) / spread * wide)
        return np.where(out.any(axis=1), units[out.argmax(axis=1)], np.inf)

    def test_alike_arms_are_told_apart_in_three_of_a_hundred_experiments_at_most(self):
        assert np.isfinite(self.looked_at(0.0, runs=1_000)).mean() <= 0.03

    def test_a_fifth_more_is_found_by_ten_thousand_units(self):
        assert np.median(self.looked_at(0.2)) <= 10_500

    def test_a_tenth_more_is_found_in_most_experiments(self):
        assert np.isfinite(self.looked_at(0.1)).mean() >= 0.84

    @given(st.floats(-0.1, 0.1), st.floats(1e-4, 0.1), st.integers(30, 100_000))
    def test_the_p_value_is_small_exactly_where_zero_is_left_out(self, estimate, error, units):
        look = Look(estimate, error, units)
        far = abs(estimate) - reach(look)
        if abs(far) > 1e-9:
            assert (p_of_difference(look) < 0.05) == (far > 0)

    def test_it_is_wider_than_for_one_look_and_narrower_than_double_where_planned(self):
        look = Look(0.01, 0.002, PLANNED)
        assert 1.4 < reach(look) / (1.96 * 0.002) < 1.6
        assert reach(Look(0.01, 0.002, 100)) > 2 * reach(look)

    def test_where_nothing_varies_nothing_is_known(self):
        still = Look(0.0, 0.0, 50)
        assert reach(still) == float("inf")
        assert p_of_difference(still) == 1.0
