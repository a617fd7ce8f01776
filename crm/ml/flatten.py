"""What scikit-learn fitted, as the tables of `compiled`. Equal to its own answers to 1e-9."""

from typing import Any

import numpy as np

from crm.ml.compiled import LEAF, Compiled, Points, Scorecard, Trees, joined_trees

SMOOTHED = 1.0  # rows of each label that a leaf of a forest starts with


def boosting(fitted: Any, columns: int) -> Compiled:
    """A HistGradientBoostingClassifier of two classes: its raw log-odds."""
    grown = [_of_nodes(predictor[0].nodes) for predictor in fitted._predictors]
    bias = float(np.ravel(fitted._baseline_prediction)[0])
    return Compiled(_empty(columns, bias), joined_trees(grown))


def regression(fitted: Any) -> tuple[Trees, float]:
    """A HistGradientBoostingRegressor: its trees, and the mean that they start from."""
    grown = [_of_nodes(predictor[0].nodes) for predictor in fitted._predictors]
    return joined_trees(grown), float(np.ravel(fitted._baseline_prediction)[0])


def forest(fitted: Any, columns: int) -> Compiled:
    """A RandomForestClassifier: the mean over its trees of the log-odds in the leaf.

    Averaging log-odds, not probabilities, keeps it a sum that can be explained and added to.
    """
    share = 1.0 / len(fitted.estimators_)
    grown = [_of_tree(one.tree_).scaled(share) for one in fitted.estimators_]
    return Compiled(_empty(columns, 0.0), joined_trees(grown))


def _empty(columns: int, bias: float) -> Scorecard:
    nothing = Points(np.zeros(1), np.zeros(1), 0.0, True)
    return Scorecard([nothing] * columns, bias)


def _of_nodes(nodes: np.ndarray) -> Trees:
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, LEAF, nodes["left"].astype(np.int64))
    right = np.where(leaf, LEAF, nodes["right"].astype(np.int64))
    value = _means(left, right, nodes["value"].astype(float), nodes["count"].astype(float))
    return Trees(
        np.zeros(1, dtype=np.int64),
        nodes["feature_idx"].astype(np.int64),
        nodes["num_threshold"].astype(float),
        left,
        right,
        nodes["missing_go_to_left"].astype(bool),
        value,
    )


def _of_tree(tree: Any) -> Trees:
    counts = tree.value[:, 0, :] * tree.weighted_n_node_samples[:, None]
    odds = np.log((counts[:, 1] + SMOOTHED / 2) / (counts[:, 0] + SMOOTHED / 2))
    left = np.where(tree.children_left == -1, LEAF, tree.children_left).astype(np.int64)
    right = np.where(tree.children_left == -1, LEAF, tree.children_right).astype(np.int64)
    return Trees(
        np.zeros(1, dtype=np.int64),
        np.maximum(tree.feature, 0).astype(np.int64),
        tree.threshold.astype(float),
        left,
        right,
        tree.missing_go_to_left.astype(bool),
        _means(left, right, odds, tree.weighted_n_node_samples),
    )


def _means(left: np.ndarray, right: np.ndarray, value: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Inner nodes get the mean of their leaves by rows. Children come after their parents."""
    mean = value.astype(float).copy()
    for node in range(len(left) - 1, -1, -1):
        if left[node] != LEAF:
            one, two = left[node], right[node]
            rows = max(count[one] + count[two], 1e-12)
            mean[node] = (count[one] * mean[one] + count[two] * mean[two]) / rows
    return mean
