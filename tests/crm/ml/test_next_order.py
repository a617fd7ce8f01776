"""When customers order next: pauses of one's own, leaning on everybody's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.ml.next_order import NextOrder, NoPauses, Pauses, pauses
from tests.contracts import EstimatorContract


def shop(seed=0, customers=800, days=600, between=0.7, inside=0.4):
    """Purchases of customers with lognormal pauses around a mean of their own."""
    rng = np.random.default_rng(seed)
    who, when = [], []
    for customer in range(customers):
        own, day = rng.normal(3.2, between), rng.integers(0, 200)
        while day < days:
            who.append(customer)
            when.append(int(day))
            day += max(1.0, np.exp(rng.normal(own, inside)))
    return np.array(who), np.array(when)


def seen_at(who, when, today):
    kept = when <= today
    return pauses(who[kept], when[kept], today=today, count=who.max() + 1)


def came_after(who, when, today, within):
    """Whose next order came in time, and after how many days."""
    seen = seen_at(who, when, today)
    first = np.full(who.max() + 1, 10**6)
    later = when > today
    np.minimum.at(first, who[later], when[later])
    came = (first - today <= within) & (seen.count > 0)
    columns = (seen.count, seen.total, seen.squares, seen.silence)
    return Pauses(*(column[came] for column in columns)), (first - today)[came].astype(float)


class TestContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return NextOrder()

    @pytest.fixture(scope="class")
    def data(self):
        return seen_at(*shop(customers=200), 400)

    def answer(self, estimator, data):
        bought = data.silence >= 0
        columns = (data.count, data.total, data.squares, data.silence)
        return estimator.forecast(Pauses(*(c[bought] for c in columns)), within=365).days


class TestPauses:
    def test_they_are_between_purchase_days(self):
        found = pauses(np.array([0, 0, 0]), np.array([1, 5, 21]), today=30, count=1)
        assert found.count[0] == 2
        assert found.total[0] == pytest.approx(np.log(4) + np.log(16))
        assert found.silence[0] == 9

    def test_two_orders_on_a_day_are_one_purchase(self):
        found = pauses(np.array([0, 0, 0]), np.array([3, 3, 10]), today=10, count=1)
        assert found.count[0] == 1

    def test_the_order_of_the_rows_does_not_matter(self):
        who, when = shop(customers=20)
        mixed = np.random.default_rng(1).permutation(len(who))
        one, other = (
            pauses(who[o], when[o], today=700, count=20) for o in (np.arange(len(who)), mixed)
        )
        assert all(np.allclose(vars(one)[name], vars(other)[name]) for name in vars(one))

    def test_who_bought_once_has_none_and_who_never_bought_no_silence(self):
        found = pauses(np.array([1]), np.array([4]), today=10, count=3)
        assert found.count.tolist() == [0, 0, 0]
        assert found.silence.tolist() == [-1, 6, -1]


class TestForecast:
    def test_the_planted_rhythm_is_found(self):
        mean, between, inside = NextOrder().fit(seen_at(*shop(customers=1500), 600)).rhythm_
        assert mean == pytest.approx(3.2, abs=0.25)
        assert between == pytest.approx(0.49, abs=0.15)
        assert inside == pytest.approx(0.16, abs=0.05)

    def test_it_beats_the_pauses_of_everybody_on_later_orders(self):
        who, when = shop(seed=3)
        own = NextOrder().fit(seen_at(who, when, 400))
        all_alike = NextOrder(personal=False).fit(seen_at(who, when, 400))
        seen, days = came_after(who, when, 400, 150)
        errors = [
            np.abs(one.forecast(seen, within=150).days - days).mean() for one in (own, all_alike)
        ]
        assert errors[0] < 0.9 * errors[1]

    def test_nine_of_ten_later_orders_come_within_the_interval(self):
        who, when = shop(seed=4)
        fitted = NextOrder().fit(seen_at(who, when, 400))
        seen, days = came_after(who, when, 400, 150)
        expected = fitted.forecast(seen, within=150)
        inside = (days >= np.floor(expected.earliest)) & (days <= np.ceil(expected.latest))
        assert 0.86 < inside.mean() < 0.95

    def test_a_wrong_spread_is_put_right_by_what_came(self):
        who, when = shop(seed=5)
        fitted = NextOrder().fit(seen_at(who, when, 300))
        fitted.rhythm_ = fitted.rhythm_ * [1, 1, 0.2]  # far too sure of itself
        seen, days = came_after(who, when, 300, 120)
        fitted.recalibrate(seen, days, within=120)
        later, came = came_after(who, when, 450, 120)
        expected = fitted.forecast(later, within=120)
        inside = (came >= np.floor(expected.earliest)) & (came <= np.ceil(expected.latest))
        assert 0.83 < inside.mean() < 0.96

    def test_few_later_orders_recalibrate_nothing(self):
        who, when = shop(customers=200)
        fitted = NextOrder().fit(seen_at(who, when, 300))
        seen, days = came_after(who, when, 300, 120)
        some = Pauses(*(column[:10] for column in vars(seen).values()))
        before = fitted.levels_
        assert fitted.recalibrate(some, days[:10], within=120).levels_ is before

    def test_many_pauses_speak_for_themselves_and_few_lean_on_everybody(self):
        fitted = NextOrder().fit(seen_at(*shop(), 400))
        log = np.log(100.0)
        counts = np.array([1, 3, 30])
        usual = fitted.usual(Pauses(counts, counts * log, counts * log**2, np.zeros(3)))
        assert usual[0] < usual[1] < usual[2] < 100.0
        assert usual[2] > 90.0

    def test_silence_moves_the_next_order_away_when_it_is_longer_than_usual(self):
        fitted = NextOrder().fit(seen_at(*shop(), 400))
        log = np.log(10.0)
        seen = Pauses(
            np.full(3, 20), np.full(3, 20 * log), np.full(3, 20 * log**2), np.array([0, 5, 60])
        )
        days = fitted.forecast(seen, within=365).days
        assert days[1] < days[0] < days[2]


class TestBadInput:
    def test_who_never_came_back_has_no_rhythm(self):
        with pytest.raises(NoPauses):
            NextOrder().fit(pauses(np.arange(9), np.arange(9), today=10, count=9))

    def test_one_pause_each_has_no_spread(self):
        with pytest.raises(NoPauses):
            NextOrder().fit(
                pauses(np.array([0, 0, 1, 1]), np.array([0, 5, 0, 9]), today=9, count=2)
            )

    def test_pauses_that_are_all_equal_make_a_narrow_answer_not_a_crash(self):
        who = np.repeat(np.arange(5), 10)
        when = np.tile(np.arange(10) * 7, 5)
        seen = pauses(who, when, today=64, count=5)
        expected = NextOrder().fit(seen).forecast(seen, within=365)
        assert np.allclose(expected.days, 6.0, atol=0.5)

    @settings(max_examples=60, deadline=None)
    @given(
        count=st.integers(1, 500),
        pause=st.floats(1.0, 5000.0),
        silence=st.integers(0, 100_000),
        within=st.floats(1.0, 1000.0),
    )
    def test_answers_are_ordered_and_within_the_horizon_whatever_comes(
        self, count, pause, silence, within
    ):
        fitted = NextOrder().fit(seen_at(*shop(customers=60), 400))
        log = np.log(pause)
        seen = Pauses(*(np.array([x]) for x in (count, count * log, count * log**2, silence)))
        expected = fitted.forecast(seen, within=within)
        assert 0 <= expected.earliest[0] <= expected.days[0] <= expected.latest[0] <= within
