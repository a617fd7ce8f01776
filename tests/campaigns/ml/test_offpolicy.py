"""Values of policies that never ran: right on average, intervals that hold, refusals that are due."""

from dataclasses import replace

import numpy as np
import pytest

from campaigns.ml.offpolicy import Log, Verdict, evaluate, interval
from tests.campaigns.ml.logs import Shop

SHOP = Shop(1)
LOGS = 500


def judged(size=4_000, seed=0, policy=SHOP.candidate, **more):
    log = SHOP.log(size, seed, **more)
    return evaluate(log, policy(log.contexts), rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def many():
    return [judged(2_000, seed) for seed in range(LOGS)]


class TestManyLogs:
    @pytest.mark.parametrize("name", ["ips", "snips", "dr"])
    def test_intervals_hold_the_true_value_at_their_rate(self, many, name):
        true = SHOP.value(SHOP.candidate)
        found = [getattr(one, name) for one in many]
        covered = np.mean([one.lower <= true <= one.upper for one in found])
        assert 0.93 <= covered <= 0.97
        mean = np.mean([one.value for one in found])
        assert mean == pytest.approx(true, abs=4 * np.std([o.value for o in found]) / LOGS**0.5)

    def test_the_doubly_robust_value_is_nearer_than_the_plain_one(self, many):
        true = SHOP.value(SHOP.candidate)
        error = {
            name: np.sqrt(np.mean([(getattr(one, name).value - true) ** 2 for one in many]))
            for name in ("ips", "dr")
        }
        assert error["dr"] <= 0.8 * error["ips"]

    def test_decisions_of_a_customer_do_not_count_as_many(self):
        true = SHOP.value(SHOP.candidate)
        found = [judged(2_000, seed, per_customer=5).dr for seed in range(300)]
        assert 0.92 <= np.mean([one.lower <= true <= one.upper for one in found]) <= 0.98

    def test_a_policy_no_better_is_hardly_ever_promoted(self):
        """The log's own policy as its candidate."""
        found = [judged(1_000, seed, policy=SHOP.logging).verdict for seed in range(200)]
        assert np.mean([one == Verdict.PROMOTE for one in found]) <= 0.025


class TestVerdict:
    def test_a_better_policy_is_promoted(self):
        found = judged(policy=SHOP.better)
        assert found.verdict == Verdict.PROMOTE
        assert found.gain.lower > 0
        assert found.reasons == ()

    def test_a_worse_one_is_called_so(self):
        found = judged(policy=SHOP.worse)
        assert found.verdict == Verdict.WORSE

    def test_the_incumbent_itself_makes_no_difference(self):
        found = judged(policy=SHOP.logging)
        assert found.verdict == Verdict.NO_DIFFERENCE
        assert found.effective_sample_size == pytest.approx(4_000)
        assert found.ips.value == pytest.approx(found.incumbent.value)

    def test_few_decisions_are_too_few_however_clear(self):
        found = judged(300, policy=SHOP.better)
        assert found.verdict == Verdict.INSUFFICIENT
        assert "below 500" in found.reasons[0]

    def test_weights_that_leave_one_in_twenty_are_too_few(self):
        log = Log(
            np.arange(20_000) % 40, np.full(20_000, 1 / 40), np.ones(20_000), np.zeros((20_000, 0))
        )
        chances = np.zeros((20_000, 40))
        chances[:, 3] = 1.0
        found = evaluate(log, chances, rng=np.random.default_rng(0))
        assert found.effective_sample_size == pytest.approx(500)
        assert found.verdict == Verdict.INSUFFICIENT
        assert found.reasons == ("2.5% of the log count, below 5 %",)

    def test_an_action_never_tried_is_no_support(self):
        log = SHOP.log(4_000, 0)
        chances = np.column_stack([0.9 * SHOP.logging(log.contexts), np.full(4_000, 0.1)])
        found = evaluate(log, chances, rng=np.random.default_rng(0))
        assert found.unsupported == pytest.approx(0.1)
        assert found.verdict == Verdict.INSUFFICIENT

    def test_wrong_propensities_show_in_the_mean_weight(self):
        log = SHOP.log(4_000, 0)
        halved = replace(log, propensities=log.propensities / 2)
        found = evaluate(halved, SHOP.candidate(log.contexts), rng=np.random.default_rng(0))
        assert found.mean_weight == pytest.approx(2.0, abs=0.1)
        assert found.verdict == Verdict.INSUFFICIENT
        assert "the mean weight is" in found.reasons[-1]

    def test_a_candidate_that_shares_no_decision_with_the_log(self):
        log = Log(np.zeros(600, dtype=int), np.ones(600), np.ones(600), np.zeros((600, 0)))
        found = evaluate(log, np.tile([0.0, 1.0], (600, 1)), rng=np.random.default_rng(0))
        assert found.effective_sample_size == 0
        assert found.ips.value == 0
        assert not np.isfinite(found.snips.upper)
        assert found.verdict == Verdict.INSUFFICIENT


class TestFigures:
    def test_by_hand(self):
        """Three decisions, weights 2, 0 and 1."""
        log = Log(
            np.array([0, 1, 0]),
            np.array([0.5, 0.5, 1.0]),
            np.array([1.0, 5.0, 3.0]),
            np.zeros((3, 0)),
        )
        found = evaluate(log, np.tile([1.0, 0.0], (3, 1)), rng=np.random.default_rng(0))
        assert found.ips.value == pytest.approx(5 / 3)
        assert found.snips.value == pytest.approx(5 / 3)
        assert found.effective_sample_size == pytest.approx(9 / 5)
        assert found.mean_weight == pytest.approx(1.0)
        assert found.incumbent.value == 3.0

    def test_an_interval_of_independent_numbers_is_students(self):
        from scipy.stats import t

        values = np.random.default_rng(0).normal(size=30)
        found = interval(values, np.arange(30), effective=30)
        low, high = t.interval(0.95, 29, values.mean(), values.std(ddof=1) / 30**0.5)
        assert (found.lower, found.upper) == pytest.approx((low, high))

    def test_the_same_customer_twice_makes_the_interval_of_one(self):
        values = np.random.default_rng(0).normal(size=40)
        once = interval(values, np.arange(40), effective=40)
        twice = interval(np.r_[values, values], np.r_[0:40, 0:40], effective=80)
        assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"propensities": np.array([0.0, 1.0])}, "propensities"),
            ({"propensities": np.array([1.1, 1.0])}, "propensities"),
            ({"propensities": np.array([np.nan, 1.0])}, "propensities"),
            ({"rewards": np.array([np.inf, 1.0])}, "rewards"),
        ],
    )
    def test_what_cannot_be_is_refused(self, change, said):
        log = Log(np.array([0, 1]), np.ones(2), np.ones(2), np.zeros((2, 0)))
        with pytest.raises(ValueError, match=said):
            evaluate(replace(log, **change), np.full((2, 2), 0.5), rng=np.random.default_rng(0))

    def test_chances_that_do_not_add_up_are_refused(self):
        log = Log(np.array([0, 1]), np.ones(2), np.ones(2), np.zeros((2, 0)))
        with pytest.raises(ValueError, match="adding up"):
            evaluate(log, np.full((2, 2), 0.4), rng=np.random.default_rng(0))
