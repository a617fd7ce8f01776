"""While the window is open: errors at every look, and honest promises of how long it takes."""

import numpy as np
import pytest

from campaigns.ml import designs, lift, waiting
from campaigns.ml.waiting import Wait, planned_units, wait
from crm.ml import sequences

BASE = 0.08


def looks(rng, *, treated=4_000, control=1_000, rise=0.0, days=60, front=False):
    """(days,) difference, its error and the variance of an outcome, at the end of every day."""
    found = []
    for size, rate in ((treated, BASE * (1 + rise)), (control, BASE)):
        when = rng.random(rng.binomial(size, rate))
        when = 1 - np.sqrt(1 - when) if front else when  # most buy early on
        found.append(np.cumsum(np.histogram(when, bins=days, range=(0, 1))[0]) / size)
    one, other = found
    error = np.sqrt(one * (1 - one) / treated + other * (1 - other) / control)
    share = (one * treated + other * control) / (treated + control)
    return one - other, error, share * (1 - share)


def stops(rng, *, guess=1.0, **settings):
    estimate, error, seen = looks(rng, **settings)
    expected = guess * BASE * (1 - guess * BASE)
    for at, error_now, seen_now in zip(estimate, error, seen, strict=True):
        if not error_now:
            continue
        planned = planned_units(1_000, expected=expected, seen=seen_now)
        look = sequences.Look(at, error_now, 1_000)
        if abs(at) > sequences.reach(look, planned=planned):
            return True
    return False


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("guess", [0.3, 1.0, 3.0])
def test_campaigns_that_change_nothing_are_stopped_one_time_in_twenty(guess, front):
    """120 campaigns looked at on 60 days: 13 or fewer at 5 %; more in the bench."""
    rng = np.random.default_rng(0)
    assert sum(stops(rng, guess=guess, front=front) for _ in range(120)) <= 13


def test_what_the_plan_promises_to_show_is_shown_eight_times_in_ten():
    rise = waiting.smallest_lift(BASE, 4_000, 1_000)
    rng = np.random.default_rng(1)
    shown = sum(stops(rng, rise=rise) for _ in range(200)) / 200
    assert 0.72 < shown < 0.95


class TestPlan:
    def test_of_arms_alike_it_is_the_sample_size(self):
        level = waiting.any_look_level()
        units = designs.units_for_shares(BASE, 0.3, level=level)
        assert waiting.smallest_lift(BASE, units, units) == pytest.approx(0.3, rel=0.01)
        assert waiting.customers_for(BASE, 0.3, holdout=0.5) == pytest.approx(2 * units, abs=2)

    def test_a_lopsided_split_needs_more(self):
        even, lopsided = (waiting.customers_for(BASE, 0.1, holdout=h) for h in (0.5, 0.05))
        assert lopsided > 4 * even

    def test_any_look_costs_something(self):
        assert 0.995 < waiting.any_look_level() < 0.999

    @pytest.mark.parametrize(
        ("base", "treated", "control"), [(0.0, 10, 10), (1.0, 10, 10), (0.1, 0, 10), (0.1, 3, 3)]
    )
    def test_what_cannot_be_shown_is_not_promised(self, base, treated, control):
        assert waiting.smallest_lift(base, treated, control) is None

    @pytest.mark.parametrize(("base", "holdout"), [(0.0, 0.1), (0.95, 0.1), (0.1, 0.0)])
    def test_no_audience_shows_what_cannot_be(self, base, holdout):
        assert waiting.customers_for(base, 0.1, holdout=holdout) is None


def difference(estimate):
    return lift.Difference(estimate, estimate - 0.02, estimate + 0.02, 0.3)


class TestWait:
    def test_twice_as_far_away_takes_four_times_as_long(self):
        """A difference grows with time, its error with the root."""
        told = wait(difference(0.02), reach=0.04, elapsed=2.0, window=30.0, customers=1_000)
        assert told == Wait(days=6)

    def test_beyond_the_window_customers_are_named(self):
        told = wait(difference(0.02), reach=0.04, elapsed=10.0, window=20.0, customers=1_000)
        assert told == Wait(customers=2_000)

    @pytest.mark.parametrize(("estimate", "elapsed"), [(0.0, 5.0), (0.02, 0.0), (1e-9, 5.0)])
    def test_nothing_is_promised_of_nothing(self, estimate, elapsed):
        told = wait(difference(estimate), reach=0.04, elapsed=elapsed, window=9.0, customers=10)
        assert told == Wait()
