"""Compiled scorers: equal to scikit-learn, alone and in a batch, with reasons that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from crm.ml import flatten, members
from crm.ml.compiled import NO_TREES, Compiled, Points, Scorecard, joined
from crm.ml.members import MEMBERS, Task
from crm.ml.propensity import rounded


def rows(count=400, *, seed=0, blanks=True):
    """Two columns of numbers, one with blanks, and a category of three levels; and a label."""
    rng = np.random.default_rng(seed)
    matrix = np.stack(
        [rng.normal(size=count), rng.exponential(9, count), rng.integers(0, 3, count)], axis=1
    )
    odds = matrix[:, 0] - 0.1 * matrix[:, 1] + matrix[:, 2]
    target = (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(int)
    if blanks:
        matrix[rng.random(count) < 0.2, 1] = np.nan
    return rounded(matrix), target


def task(leaves=8, **given_to_rows):
    return Task(*rows(**given_to_rows), (0, 0, 3), 0, leaves)


def walked(compiled, matrix):
    """The margin tree by tree, without the quick road."""
    nothing = np.zeros((0, 0))
    trees = compiled.trees
    total = sum((trees._walk(matrix, int(root), nothing) for root in trees.roots), 0.0)
    return compiled.card.margin(matrix) + total


class TestEqualToScikitLearn:
    @pytest.mark.parametrize("leaves", [2, 8, 31])
    def test_boosting_gives_the_same_log_odds(self, leaves):
        matrix, target = rows()
        fitted = HistGradientBoostingClassifier(
            max_leaf_nodes=leaves, max_iter=40, max_bins=128, early_stopping=False
        ).fit(matrix, target)
        ours = flatten.boosting(fitted, 3).margin(matrix)
        assert np.allclose(ours, fitted.decision_function(matrix), rtol=0, atol=1e-9)

    def test_a_forest_falls_into_the_same_leaves(self):
        matrix, target = rows()
        fitted = RandomForestClassifier(20, min_samples_leaf=5, random_state=0).fit(matrix, target)
        odds = []
        for tree, leaves in zip(fitted.estimators_, fitted.apply(matrix).T, strict=True):
            value = tree.tree_.value[leaves, 0, :]
            value = value * tree.tree_.weighted_n_node_samples[leaves][:, None]
            odds.append(np.log((value[:, 1] + 0.5) / (value[:, 0] + 0.5)))
        ours = flatten.forest(fitted, 3).margin(matrix)
        assert np.allclose(ours, np.mean(odds, axis=0), rtol=0, atol=1e-9)

    def test_the_scorecard_is_the_pipeline_of_bent_lines_and_levels(self):
        matrix, target = rows(blanks=False)
        knots = np.stack([members._basis(matrix[:, place], 0).knots for place in (0, 1)], axis=1)
        pipeline = make_pipeline(
            make_column_transformer(
                (SplineTransformer(degree=1, knots=knots, extrapolation="constant"), [0, 1]),
                (OneHotEncoder(), [2]),
            ),
            LogisticRegression(C=0.3, max_iter=2000, tol=1e-10),
        ).fit(matrix, target)
        card = self.compiled_of(pipeline, knots)
        ours = card.margin(matrix)
        assert np.allclose(ours, pipeline.decision_function(matrix), rtol=0, atol=1e-9)
        alone = [card.one(row)[0] for row in matrix[:50].tolist()]
        assert np.allclose(alone, ours[:50], rtol=0, atol=1e-9)

    def compiled_of(self, pipeline, knots):
        weights = np.split(pipeline[-1].coef_[0], [len(knots), 2 * len(knots)])
        numbers = [Points(knots[:, i], weights[i], 0.0, True) for i in (0, 1)]
        levels = Points(np.zeros(0), weights[2], 0.0, False)
        return Scorecard([*numbers, levels], float(pipeline[-1].intercept_[0]))


@pytest.mark.parametrize("name", MEMBERS)
class TestEveryMember:
    def test_reasons_add_up_to_the_score(self, name):
        compiled = MEMBERS[name](task())
        matrix, _ = rows(seed=1)
        told = compiled.contributions(matrix)
        assert told.shape == matrix.shape
        assert np.allclose(told.sum(axis=1) + compiled.base, compiled.margin(matrix), atol=1e-9)

    def test_one_row_scores_as_it_does_in_a_batch(self, name):
        compiled = MEMBERS[name](task())
        matrix, _ = rows(seed=1)
        margins, told = compiled.margin(matrix), compiled.contributions(matrix)
        for place in range(20):
            margin, reasons = compiled.one(matrix[place].tolist())
            assert margin == pytest.approx(margins[place], abs=1e-9)
            assert np.allclose(reasons, told[place], atol=1e-9)

    def test_it_survives_being_stored(self, name):
        compiled = MEMBERS[name](task())
        matrix, _ = rows(seed=1)
        again = Compiled.from_arrays(compiled.arrays())
        assert np.array_equal(again.margin(matrix), compiled.margin(matrix))

    def test_it_tells_the_labels_apart(self, name):
        margin = MEMBERS[name](task()).margin(rows(seed=2)[0])
        target = rows(seed=2)[1]
        assert margin[target == 1].mean() > margin[target == 0].mean()


class TestTheQuickRoad:
    @given(seed=st.integers(0, 10_000), leaves=st.integers(2, 8))
    @settings(max_examples=25, deadline=None)
    def test_small_trees_without_walking_score_and_explain_as_walked(self, seed, leaves):
        matrix, target = rows(120, seed=seed)
        fitted = HistGradientBoostingClassifier(
            max_leaf_nodes=leaves, max_iter=5, min_samples_leaf=2, early_stopping=False
        ).fit(matrix, target)
        compiled = flatten.boosting(fitted, 3)
        assert np.allclose(compiled.margin(matrix), walked(compiled, matrix), atol=1e-12)
        told = compiled.contributions(matrix)
        assert np.allclose(told.sum(axis=1) + compiled.base, compiled.margin(matrix), atol=1e-9)

    def test_numbers_on_a_threshold_go_left_as_they_do_in_scikit_learn(self):
        matrix, target = rows(blanks=False)
        fitted = HistGradientBoostingClassifier(max_leaf_nodes=8, max_iter=10).fit(matrix, target)
        compiled = flatten.boosting(fitted, 3)
        on_it = np.repeat(matrix[:1], len(compiled.trees.threshold), axis=0)
        on_it[:, 0] = compiled.trees.threshold
        assert np.allclose(compiled.margin(on_it), fitted.decision_function(on_it), atol=1e-9)

    def test_no_trees_at_all_are_nothing(self):
        matrix, _ = rows()
        assert not NO_TREES.margin(matrix).any()
        assert NO_TREES.base == 0.0


class TestJoined:
    @given(weights=st.lists(st.floats(0.01, 3.0), min_size=2, max_size=2))
    @settings(max_examples=20, deadline=None)
    def test_a_weighted_sum_is_one_scorer_whose_reasons_add_up(self, weights):
        parts = [MEMBERS["logistic"](task()), MEMBERS["boosting"](task(leaves=4))]
        both = joined(list(zip(weights, parts, strict=True)))
        matrix, _ = rows(seed=3)
        expected = sum(w * part.margin(matrix) for w, part in zip(weights, parts, strict=True))
        assert np.allclose(both.margin(matrix), expected, atol=1e-9)
        told = both.contributions(matrix)
        assert np.allclose(told.sum(axis=1) + both.base, both.margin(matrix), atol=1e-9)

    def test_beyond_the_knots_points_stay_as_they_are(self):
        points = Points(np.array([0.0, 1.0]), np.array([2.0, 4.0]), 7.0, True)
        assert points.of(np.array([-9.0, 0.5, 9.0, np.nan])).tolist() == [2.0, 3.0, 4.0, 7.0]
        alone = Scorecard([points], 0.0)
        assert [alone.one([x])[0] for x in (-9.0, 0.5, 9.0, float("nan"))] == [2.0, 3.0, 4.0, 7.0]
