"""Two ways to the value to come: trusted as far as they earned, totals and intervals kept sane."""

import numpy as np
import pytest

from crm.ml.blended import TRUST, Blended
from crm.ml.lifetime import MISS, Lifetime, NoPurchases, Summary
from tests.contracts import EstimatorContract


def shoppers(count=800, *, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(60, 300, count).astype(float)
    x = rng.poisson(2.0, count).astype(float)
    recency = np.where(x > 0, np.floor(age * rng.beta(3, 1, count)), 0.0)
    money = np.where(x > 0, rng.gamma(9, 4, count), 0.0)
    return Summary(x, recency, age, money)


def spent_by(summary, *, seed=1):
    """Those whose age is odd buy nothing: a pattern that BG/NBD cannot know."""
    rng = np.random.default_rng(seed)
    buys = (summary.recency > 60) & (rng.random(len(summary.age)) < 0.9)
    return np.where(buys, rng.gamma(9, 4, len(buys)), 0.0)


class TestTheContract(EstimatorContract):
    @pytest.fixture
    def data(self):
        return shoppers(300)

    @pytest.fixture
    def estimator(self):
        return Blended()

    def fit(self, estimator, data):
        return estimator.fit(data).learn(data, spent_by(data), horizon=60.0)

    def answer(self, estimator, data):
        return estimator.value(data, horizon=60.0)


class TestTrust:
    @pytest.fixture(scope="class")
    def learned(self):
        now = shoppers()
        return Blended().fit(now).learn(shoppers(seed=2), spent_by(shoppers(seed=2)), horizon=60.0)

    def test_what_foretells_better_is_trusted(self, learned):
        assert learned.trust_ in TRUST
        assert learned.trust_ > 0
        now = shoppers(seed=3)
        spent = spent_by(now, seed=4)
        plain = Lifetime().fit(shoppers())
        old = np.corrcoef(plain.expected_purchases(now, horizon=60.0), spent > 0)[0, 1]
        new = np.corrcoef(learned.value(now, horizon=60.0), spent > 0)[0, 1]
        assert new > old

    def test_the_total_stays_that_of_the_first_way(self, learned):
        now = shoppers(seed=3)
        plain = learned.lifetime_
        expected = plain.expected_purchases(now, horizon=60.0) * plain.expected_money(now)
        assert learned.value(now, horizon=60.0).sum() == pytest.approx(expected.sum(), rel=1e-9)

    def test_without_an_earlier_moment_it_is_the_first_way_alone(self):
        now = shoppers()
        alone, plain = Blended().fit(now), Lifetime().fit(now)
        expected = plain.expected_purchases(now, horizon=60.0) * plain.expected_money(now)
        assert np.allclose(alone.value(now, horizon=60.0), expected)

    def test_nobody_who_came_back_earlier_teaches_nothing(self):
        nobody = Summary(np.zeros(300), np.zeros(300), np.full(300, 50.0), np.zeros(300))
        learned = Blended().fit(shoppers()).learn(nobody, np.zeros(300), horizon=60.0)
        assert learned.trust_ == 0
        with pytest.raises(NoPurchases):
            Blended().fit(nobody)


class TestIntervals:
    def test_the_value_lies_above_the_lower_end(self):
        now = shoppers()
        learned = Blended().fit(now).learn(shoppers(seed=2), spent_by(now, seed=2), horizon=60.0)
        forecast = learned.forecast(now, horizon=60.0, rng=np.random.default_rng(0))
        assert np.all(forecast.lower <= forecast.value)
        assert np.all(forecast.lower <= forecast.upper)

    def test_surprises_of_an_earlier_moment_widen_them(self):
        before = shoppers(seed=2)
        calm, wild = Lifetime().fit(before), Lifetime().fit(before)
        rng = np.random.default_rng
        calm.calibrate(calm, before, np.zeros(800), horizon=60.0, cover=0.9, rng=rng(0))
        wild.calibrate(wild, before, np.full(800, 9e6), horizon=60.0, cover=0.9, rng=rng(0))
        assert float(wild.miss_) < float(calm.miss_) <= MISS
        assert np.all(
            wild.forecast(before, horizon=60.0, rng=rng(1)).upper
            >= calm.forecast(before, horizon=60.0, rng=rng(1)).upper
        )
