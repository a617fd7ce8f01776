"""Learners of uplift: what they promise alike, and what they find where the truth is planted."""

import numpy as np
import pytest

from campaigns.ml.uplift import (
    DRLearner,
    NothingToCompare,
    TLearner,
    Trial,
    XLearner,
    doubly_robust,
    fold_of,
)
from tests.campaigns.ml import trials
from tests.contracts import EstimatorContract


@pytest.fixture(scope="module")
def data():
    return trials.trial(trials.half)


class UpliftContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return self.kind()

    def answer(self, estimator, data):
        return estimator.predict(data.matrix)

    def test_who_gains_is_ranked_above_who_does_not(self, data):
        later = trials.trial(trials.half, seed=9)
        uplift = self.kind().fit(data).predict(later.matrix)
        assert np.corrcoef(uplift, trials.half(later.matrix))[0, 1] > 0.7

    def test_uplifts_are_of_the_size_of_the_effect(self, data):
        uplift = self.kind().fit(data).predict(data.matrix)
        assert uplift.mean() == pytest.approx(0.08, abs=0.03)
        assert np.percentile(uplift, 95) < 0.3

    def test_money_is_answered_in_money(self):
        data = trials.trial(trials.half, money=True)
        uplift = self.kind().fit(data).predict(data.matrix)
        assert uplift[data.matrix[:, 0] > 0.5].mean() == pytest.approx(16, abs=3)
        assert uplift[data.matrix[:, 0] < -0.5].mean() == pytest.approx(0, abs=3)

    def test_a_blank_and_a_category_have_their_place(self):
        data = trials.trial(trials.half)
        group = (data.matrix[:, 0] > 0).astype(float)
        matrix = np.column_stack([group, np.where(data.matrix[:, 1] > 1, np.nan, 1.0)])
        coded = Trial.randomised(matrix, (2, 0), data.treatment, data.outcome)
        uplift = self.kind().fit(coded).predict(np.array([[0.0, np.nan], [1.0, 1.0]]))
        assert uplift[1] - uplift[0] > 0.05

    def test_an_arm_where_nobody_did_it_can_be_compared(self):
        data = trials.trial(trials.half)
        outcome = np.where(data.treatment == 0, 0.0, data.outcome)
        never = Trial.randomised(data.matrix, data.levels, data.treatment, outcome)
        assert self.kind().fit(never).predict(data.matrix).mean() > 0.05

    def test_an_arm_too_small_is_named(self):
        data = trials.trial(trials.half)
        few = np.flatnonzero((data.treatment == 0) | (np.cumsum(data.treatment) <= 3))
        with pytest.raises(NothingToCompare, match="3 rows were treated"):
            self.kind().fit(data.rows(few))


class TestT(UpliftContract):
    kind = TLearner


class TestX(UpliftContract):
    kind = XLearner

    def test_a_small_arm_is_imputed_by_the_large_one(self):
        data = trials.trial(trials.half, share=0.1, rows=8_000)
        uplift = XLearner().fit(data).predict(data.matrix)
        assert np.corrcoef(uplift, trials.half(data.matrix))[0, 1] > 0.7


class TestDR(UpliftContract):
    kind = DRLearner

    def test_what_two_columns_tell_together_is_found(self):
        data = trials.trial(trials.together, rows=16_000)
        uplift = DRLearner().fit(data).predict(data.matrix)
        assert np.corrcoef(uplift, trials.together(data.matrix))[0, 1] > 0.5

    def test_where_nobody_differs_uplifts_hardly_do(self):
        data = trials.trial(trials.alike, rows=8_000)
        assert DRLearner().fit(data).predict(data.matrix).std() < 0.02


def test_doubly_robust_scores_have_the_effect_as_their_mean_in_every_group():
    data = trials.trial(trials.half, rows=20_000)
    scores = doubly_robust(data, seed=0)
    for group, effect in ((data.matrix[:, 0] > 0, 0.16), (data.matrix[:, 0] <= 0, 0.0)):
        error = scores[group].std() / np.sqrt(group.sum())
        assert abs(scores[group].mean() - effect) < 3 * error


def test_known_chances_take_out_that_the_eager_were_treated_more_often():
    rng = np.random.default_rng(0)
    eager = rng.normal(size=20_000)
    chance = 0.3 + 0.4 * (eager > 0)
    treatment = (rng.random(20_000) < chance).astype(float)
    outcome = (rng.random(20_000) < 0.2 + 0.2 * (eager > 0)).astype(float)
    trial = Trial(np.zeros((20_000, 1)), (0,), treatment, outcome, chance)
    naive = outcome[treatment == 1].mean() - outcome[treatment == 0].mean()
    assert naive > 0.05
    assert doubly_robust(trial, seed=0).mean() == pytest.approx(0.0, abs=0.02)


def test_folds_hold_as_many_treated_and_as_many_who_did_it():
    data = trials.trial(trials.half, rows=1_003)
    fold = fold_of(data, seed=3, count=5)
    for values in (data.treatment, data.outcome):
        held = [values[fold == number].sum() for number in range(5)]
        assert max(held) - min(held) <= 2
