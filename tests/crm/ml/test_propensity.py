"""Propensity: the contract, calibration, refusals, and care beyond what was seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.ml import judging
from crm.ml.members import MEMBERS
from crm.ml.propensity import NothingToLearn, Propensity, stacked
from tests.contracts import EstimatorContract


def people(count=600, *, seed=0):
    """A number that matters, one that matters in the middle, one that does not, and blanks."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, 3))
    odds = 1.5 * matrix[:, 0] - np.abs(matrix[:, 1])
    matrix[rng.random(count) < 0.1, 2] = np.nan
    return matrix, (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(int)


def seasons(count=3000, *, seed=0):
    """In order of time: a steady number that matters, and a year that only goes with the labels."""
    rng = np.random.default_rng(seed)
    year = np.linspace(0, 1, count)
    steady = rng.normal(size=count)
    odds = steady - 2 + 2 * year
    return np.stack([steady, year], axis=1), (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(
        int
    )


class TestTheContract(EstimatorContract):
    @pytest.fixture
    def data(self):
        return people(300)

    @pytest.fixture
    def estimator(self):
        return Propensity(members=("logistic", "boosting"))

    def fit(self, estimator, data):
        return estimator.fit(*data)

    def answer(self, estimator, data):
        return estimator.predict(data[0])


@pytest.fixture(scope="module")
def fitted():
    return Propensity().fit(*people())


class TestChances:
    def test_they_rank_and_are_calibrated(self, fitted):
        matrix, target = people(4000, seed=9)
        chance = fitted.predict(matrix)
        assert judging.auc(target, chance) > 0.78
        assert judging.calibration_error(target, chance) < 0.05

    def test_no_single_member_is_clearly_better(self, fitted):
        matrix, target = people(4000, seed=9)
        together = judging.auc(target, fitted.predict(matrix))
        for name in MEMBERS:
            alone = Propensity(members=(name,)).fit(*people())
            assert judging.auc(target, alone.predict(matrix)) < together + 0.01

    @given(row=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=3, max_size=3))
    @settings(max_examples=60, deadline=None)
    def test_reasons_of_any_row_add_up_to_its_log_odds(self, fitted, row):
        matrix = np.array([row])
        told = fitted.contributions(matrix)
        assert told.sum() + fitted.bases(matrix)[0] == pytest.approx(
            fitted.margin(matrix)[0], abs=1e-9
        )
        assert 0.0 <= fitted.predict(matrix)[0] <= 1.0


class TestStacking:
    def test_a_member_that_knows_nothing_gets_no_say(self):
        rng = np.random.default_rng(0)
        target = rng.integers(0, 2, 2000)
        good, bad = target * 2.0 - 1 + rng.normal(size=2000), -target + rng.normal(size=2000)
        weights, _ = stacked(np.stack([good, bad], axis=1), target)
        assert weights[1] < 0.05 * weights[0]

    def test_log_odds_too_far_apart_are_drawn_together(self):
        rng = np.random.default_rng(1)
        true = rng.normal(size=5000)
        target = (rng.random(5000) < 1 / (1 + np.exp(-true))).astype(int)
        weights, _ = stacked(3 * true[:, None], target)
        assert weights[0] == pytest.approx(1 / 3, rel=0.15)


class TestRefusals:
    def test_constant_labels_are_refused_by_name(self):
        matrix, _ = people(100)
        with pytest.raises(NothingToLearn, match="0 of 100 rows are a yes"):
            Propensity().fit(matrix, np.zeros(100))
        with pytest.raises(NothingToLearn, match="0 of 100 rows are a no"):
            Propensity().fit(matrix, np.ones(100))

    def test_one_row_is_refused(self):
        with pytest.raises(NothingToLearn):
            Propensity().fit(np.ones((1, 2)), np.ones(1))

    def test_columns_that_are_all_alike_are_refused(self):
        with pytest.raises(NothingToLearn, match="no column varies"):
            Propensity().fit(np.ones((60, 2)), np.arange(60) % 2)

    def test_a_column_blank_everywhere_harms_nobody(self):
        matrix, target = people(300)
        matrix[:, 2] = np.nan
        assert np.isfinite(Propensity().fit(matrix, target).predict(matrix)).all()


class TestCareBeyondWhatWasSeen:
    @pytest.fixture(scope="class")
    def careful(self):
        return Propensity(members=("logistic", "boosting")).fit(*seasons(), in_order=True)

    def test_drift_along_the_rows_is_noticed(self, careful):
        assert careful.careful_ is not None
        assert np.isfinite(careful.seen_.low).tolist() == [False, True]

    def test_rows_within_reach_are_scored_by_everything(self, careful):
        matrix, _ = seasons(seed=3)
        assert not careful.beyond(matrix).any()

    def test_rows_beyond_are_scored_by_what_stays(self, careful):
        later, _ = seasons(seed=4)
        later[:, 1] += 5
        assert careful.beyond(later).all()
        told = careful.contributions(later)
        assert np.abs(told[:, 0]).mean() > np.abs(told[:, 1]).mean()
        assert np.allclose(told.sum(axis=1) + careful.bases(later), careful.margin(later))

    def test_what_was_seen_survives_being_stored(self, careful):
        later, _ = seasons(seed=4)
        later[::2, 1] += 5
        again = Propensity.from_state(careful.state())
        assert np.array_equal(again.predict(later), careful.predict(later))

    def test_rows_in_no_order_need_no_care(self):
        matrix, target = seasons()
        mixed = np.random.default_rng(0).permutation(len(target))
        plain = Propensity(members=("logistic",)).fit(matrix[mixed], target[mixed], in_order=True)
        assert plain.careful_ is None
