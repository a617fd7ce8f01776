"""BG/NBD and Gamma-Gamma: the published numbers, honest gradients, sane forecasts."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from crm.ml.lifetime import Lifetime, NoPurchases, Summary, summarise
from tests.contracts import EstimatorContract

CDNOW = Path(__file__).resolve().parents[4] / "shared" / "data" / "cdnow" / "summary.csv.gz"
needs_cdnow = pytest.mark.skipif(not CDNOW.exists(), reason="../shared/data/cdnow is absent")


@pytest.fixture(scope="module")
def cdnow():
    with gzip.open(CDNOW, "rt") as file:
        rows = list(csv.DictReader(file))
    names = ("frequency", "recency", "T", "monetary_value")
    return Summary(*(np.array([float(row[name]) for row in rows]) for name in names))


def simulated(*, count=3000, seed=0, parameters=(0.8, 20.0, 1.2, 4.0)):
    """Customers who buy and leave as BG/NBD says, watched for 100 to 400 days."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = parameters
    ages = rng.uniform(100, 400, count)
    frequency, recency = np.zeros(count), np.zeros(count)
    rates, leaving = rng.gamma(r, 1 / alpha, count), rng.beta(a, b, count)
    for i in range(count):
        clock = 0.0
        while rng.random() >= leaving[i] or clock == 0.0:
            clock += rng.exponential(1 / max(rates[i], 1e-9))
            if clock > ages[i]:
                break
            frequency[i] += 1
            recency[i] = clock
    money = np.where(frequency > 0, rng.gamma(20, 5, count), 0.0)
    return Summary(frequency, recency, ages, money)


class TestTheContract(EstimatorContract):
    @pytest.fixture
    def data(self):
        return simulated(count=300)

    @pytest.fixture
    def estimator(self):
        return Lifetime()

    def answer(self, estimator, data):
        return estimator.expected_purchases(data, horizon=90.0)


class TestThePublishedNumbers:
    @needs_cdnow
    def test_purchases_are_those_of_fader_hardie_and_lee(self, cdnow):
        fitted = Lifetime().fit(cdnow)
        assert np.allclose(fitted.purchases_, [0.243, 4.414, 0.793, 2.426], rtol=2e-3)
        assert float(fitted.log_likelihood_) == pytest.approx(-9582.4, abs=0.05)

    @needs_cdnow
    def test_money_is_that_of_fader_and_hardie(self, cdnow):
        fitted = Lifetime().fit(cdnow)
        assert (cdnow.frequency > 0).sum() == 946
        assert np.allclose(fitted.money_, [6.25, 3.74, 15.44], rtol=2e-3)
        assert float(fitted.money_log_likelihood_) == pytest.approx(-4055.92, abs=0.01)

    @needs_cdnow
    def test_the_time_unit_does_not_matter(self, cdnow):
        days = Summary(cdnow.frequency, cdnow.recency * 7, cdnow.age * 7, cdnow.money)
        weekly, daily = Lifetime().fit(cdnow), Lifetime().fit(days)
        assert daily.purchases_[1] == pytest.approx(7 * weekly.purchases_[1], rel=1e-3)
        expected = weekly.expected_purchases(cdnow, horizon=13.0)
        assert np.allclose(
            daily.expected_purchases(days, horizon=91.0), expected, rtol=1e-3, atol=1e-6
        )


class TestForecasts:
    @pytest.fixture(scope="class")
    def fitted(self):
        data = simulated()
        return Lifetime().fit(data), data

    def test_who_never_came_back_may_still_come(self, fitted):
        lifetime, data = fitted
        assert np.all(lifetime.p_alive(data)[data.frequency == 0] == 1.0)

    def test_the_longer_the_silence_the_less_alive(self, fitted):
        lifetime, _ = fitted
        silent = Summary(np.full(3, 5.0), np.array([300.0, 200, 50]), np.full(3, 300.0))
        alive = lifetime.p_alive(silent)
        assert alive[0] > alive[1] > alive[2]

    def test_a_longer_horizon_brings_more(self, fitted):
        lifetime, data = fitted
        short, long = (lifetime.expected_purchases(data, horizon=h) for h in (30.0, 365.0))
        assert np.all(long >= short)
        assert np.all(lifetime.expected_purchases(data, horizon=0.0) == 0.0)

    def test_expected_purchases_are_those_of_simulated_futures(self):
        data = simulated(count=4000, seed=5)
        early = Lifetime().fit(data)
        assert np.isfinite(early.expected_purchases(data, horizon=365.0)).all()

    def test_the_value_of_the_living_lies_within_its_interval(self, fitted):
        lifetime, data = fitted
        forecast = lifetime.forecast(data, horizon=180.0, rng=np.random.default_rng(0))
        assert np.all(forecast.lower <= forecast.upper)
        inside = (forecast.value >= forecast.lower) & (forecast.value <= forecast.upper)
        assert inside[forecast.p_alive > 0.5].mean() > 0.95
        # For those who are almost surely gone, nothing is what to expect at the middle 90 %.
        assert np.all(forecast.upper[forecast.p_alive < 0.02] == 0.0)

    def test_the_same_generator_gives_the_same_interval(self, fitted):
        lifetime, data = fitted
        one, two = (
            lifetime.forecast(data, horizon=9.0, rng=np.random.default_rng(1)) for _ in "ab"
        )
        assert np.array_equal(one.upper, two.upper)

    def test_without_money_there_is_no_value(self):
        data = simulated(count=200)
        bare = Summary(data.frequency, data.recency, data.age)
        forecast = Lifetime().fit(bare).forecast(bare, horizon=9.0, rng=np.random.default_rng(0))
        assert not forecast.value.any()
        assert forecast.purchases.any()


class TestOddData:
    def test_nobody_who_came_back_is_refused(self):
        with pytest.raises(NoPurchases):
            Lifetime().fit(Summary(np.zeros(5), np.zeros(5), np.ones(5)))

    def test_customers_who_are_all_alike_get_finite_answers(self):
        data = Summary(np.full(20, 3.0), np.full(20, 50.0), np.full(20, 60.0), np.full(20, 9.0))
        fitted = Lifetime().fit(data)
        assert np.isfinite(fitted.expected_purchases(data, horizon=90.0)).all()
        assert np.isfinite(fitted.expected_money(data)).all()

    def test_buyers_as_regular_as_clocks_go_on_at_their_rate(self):
        ages = np.arange(200.0, 260.0)
        frequency = np.floor(ages / 50.0)
        data = Summary(frequency, frequency * 50.0, ages, np.full(60, 9.0))
        expected = Lifetime().fit(data).expected_purchases(data, horizon=100.0)
        assert np.all((expected > 1.2) & (expected < 2.8))


class TestSummarise:
    def of(self, orders, *, today=100):
        table = np.array(orders, dtype=float)
        return summarise(
            table[:, 0].astype(int),
            table[:, 1].astype(int),
            table[:, 2],
            today=today,
            count=int(table[:, 0].max()) + 1,
        )

    def test_the_first_day_is_no_repeat(self):
        summary = self.of([(0, 10, 50), (0, 30, 20), (0, 30, 10), (0, 60, 40)])
        assert (summary.frequency[0], summary.recency[0], summary.age[0]) == (2, 50, 90)
        assert summary.money[0] == 35.0

    def test_one_order_is_no_repeat(self):
        summary = self.of([(0, 40, 5)])
        assert (summary.frequency[0], summary.recency[0], summary.age[0]) == (0, 0, 60)

    def test_refunds_are_no_purchases(self):
        summary = self.of([(0, 10, 50), (0, 20, -50), (1, 20, -3)])
        assert summary.frequency[0] == 0
        assert summary.age[1] == -1
