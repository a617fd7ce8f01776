"""Variants are judged with the error shared among them, and with what was known before."""

import numpy as np
import pytest

from campaigns.ml import lift
from campaigns.ml.experiment import Arm, Plan, holm, judge, look_at_shares, without_what_was


def visitors(rate, size, *, seed):
    return Arm((np.random.default_rng(seed).random(size) < rate).astype(float))


def spenders(size, *, more=0.0, seed):
    """What they spend follows from what they spent before."""
    rng = np.random.default_rng(seed)
    before = rng.gamma(2.0, 20.0, size)
    return Arm(before * 0.8 + rng.normal(0.0, 8.0, size) + more, before)


class TestTwoArms:
    def test_figures_are_those_of_statsmodels(self):
        arms = {
            "control": Arm(np.r_[np.ones(100), np.zeros(2_000)]),
            "new": Arm(np.r_[np.ones(130), np.zeros(1_870)]),
        }
        found = judge(arms, control="control", is_share=True).findings["new"].difference
        # proportions_ztest and confint_proportions_2indep(method="newcomb") of statsmodels 0.14
        assert found.p_value == pytest.approx(0.015626515760736398, abs=1e-9)
        assert found.lower == pytest.approx(0.0032702661859370843, abs=1e-9)
        assert found.upper == pytest.approx(0.031699938416719656, abs=1e-9)

    def test_money_is_compared_by_welch(self):
        a, b = np.arange(40.0) ** 1.3 % 17, np.arange(50.0) * 1.7 % 13
        found = judge({"b": Arm(b), "a": Arm(a)}, control="b", is_share=False)
        seen = found.findings["a"].difference
        # ttest_ind(usevar="unequal") and CompareMeans.tconfint_diff of statsmodels 0.14
        assert seen.p_value == pytest.approx(0.030528136546342583, abs=1e-9)
        assert seen.lower == pytest.approx(0.20644527148264502, abs=1e-9)
        assert seen.upper == pytest.approx(4.064889748733609, abs=1e-9)

    def test_a_large_gain_is_better_and_the_same_as_a_loss_is_worse(self):
        arms = {"a": visitors(0.05, 20_000, seed=1), "b": visitors(0.08, 20_000, seed=2)}
        assert judge(arms, control="a", is_share=True).findings["b"].verdict == "better"
        assert judge(arms, control="b", is_share=True).findings["a"].verdict == "worse"

    def test_the_interval_of_every_look_holds_that_of_one_look(self):
        arms = {"a": visitors(0.05, 9_000, seed=1), "b": visitors(0.06, 9_000, seed=2)}
        found = judge(arms, control="a", is_share=True).findings["b"]
        assert found.low < found.difference.lower < found.difference.upper < found.high

    def test_a_small_arm_unlucky_by_chance_is_not_surer_of_it(self):
        few, many = lift.Share(30, 1_000), lift.Share(450, 9_000)
        own = (0.03 * 0.97 / 1_000 + 0.05 * 0.95 / 9_000) ** 0.5
        pooled = (0.048 * 0.952 * (1 / 1_000 + 1 / 9_000)) ** 0.5
        assert look_at_shares(many, few).error == pytest.approx(pooled)
        assert pooled > 1.15 * own

    def test_a_small_arm_with_much_keeps_its_own_error(self):
        much, many = lift.Share(80, 1_000), lift.Share(450, 9_000)
        own = (0.08 * 0.92 / 1_000 + 0.05 * 0.95 / 9_000) ** 0.5
        assert look_at_shares(many, much).error == pytest.approx(own)

    def test_alike_arms_are_no_difference_yet(self):
        arms = {"a": visitors(0.05, 5_000, seed=1), "b": visitors(0.05, 5_000, seed=2)}
        found = judge(arms, control="a", is_share=True).findings["b"]
        assert found.verdict == "no difference yet"
        assert found.always_p > 0.05

    @pytest.mark.parametrize("events", [0, 4])
    def test_a_handful_of_events_is_too_early(self, events):
        few = Arm(np.r_[np.ones(events), np.zeros(500)])
        found = judge({"a": visitors(0.5, 500, seed=1), "b": few}, control="a", is_share=True)
        assert found.findings["b"].verdict == "too early"
        assert found.findings["b"].low is None
        assert found.findings["b"].always_p == 1.0

    def test_no_unit_at_all_is_too_early(self):
        found = judge(
            {"a": visitors(0.5, 90, seed=1), "b": Arm(np.array([]))}, control="a", is_share=True
        )
        assert found.findings["b"].difference is None

    def test_arms_far_from_their_plan_are_a_broken_split(self):
        arms = {"a": visitors(0.05, 10_000, seed=1), "b": visitors(0.08, 9_000, seed=2)}
        assert judge(arms, control="a", is_share=True).findings["b"].verdict == "broken split"
        planned = judge(arms, control="a", is_share=True, plan=Plan(shares={"a": 10.0, "b": 9.0}))
        assert planned.findings["b"].verdict == "better"


class TestSeveral:
    def test_holm_as_statsmodels_has_it(self):
        assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx(
            {"a": 0.06, "b": 0.03, "c": 0.06}
        )

    def test_of_twenty_alike_variants_hardly_one_is_named_better(self):
        named = 0
        for seed in range(40):
            arms = {str(n): visitors(0.1, 1_000, seed=1_000 * seed + n) for n in range(21)}
            found = judge(arms, control="0", is_share=True).findings.values()
            named += any(one.verdict in ("better", "worse") for one in found)
        assert named <= 4

    def test_intervals_widen_with_the_number_of_variants(self):
        two = {"a": visitors(0.05, 9_000, seed=1), "b": visitors(0.06, 9_000, seed=2)}
        more = two | {str(n): visitors(0.05, 9_000, seed=n) for n in range(5, 12)}
        few, many = (judge(a, control="a", is_share=True).findings["b"] for a in (two, more))
        assert many.high - many.low > few.high - few.low
        assert many.p_adjusted > few.p_adjusted


class TestBefore:
    def test_what_customers_differed_by_anyway_is_taken_out(self):
        arms = {"a": spenders(3_000, seed=1), "b": spenders(3_000, more=2.0, seed=2)}
        told = judge(arms, control="a", is_share=False)
        bare = judge({n: Arm(arm.outcome) for n, arm in arms.items()}, control="a", is_share=False)
        assert 0.75 < told.variance_reduction < 0.95
        narrow, wide = (one.findings["b"].difference for one in (told, bare))
        assert narrow.upper - narrow.lower < 0.55 * (wide.upper - wide.lower)
        assert narrow.lower < 2.0 < narrow.upper

    def test_the_mean_of_all_stays(self):
        arms = {"a": spenders(500, seed=1), "b": spenders(700, seed=2)}
        left, _ = without_what_was(arms)
        both, were = (np.concatenate([a.outcome for a in one.values()]) for one in (left, arms))
        assert both.mean() == pytest.approx(were.mean())

    def test_a_true_difference_is_not_carried_away_by_an_unlike_past(self):
        """Arms that differ before by chance: the difference after is judged less that."""
        rng = np.random.default_rng(0)
        covered = 0
        for _ in range(200):
            arms = {n: spenders(300, seed=int(rng.integers(1 << 30))) for n in "ab"}
            seen = judge(arms, control="a", is_share=False).findings["b"].difference
            covered += seen.lower <= 0.0 <= seen.upper
        assert 182 <= covered <= 198

    def test_one_arm_without_a_past_leaves_all_as_they_are(self):
        arms = {"a": spenders(50, seed=1), "b": Arm(np.arange(50.0))}
        assert without_what_was(arms) == (arms, None)

    def test_a_past_that_never_varies_says_nothing(self):
        arms = {n: Arm(np.arange(50.0), np.ones(50)) for n in "ab"}
        assert without_what_was(arms)[1] is None
