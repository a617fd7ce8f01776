"""The kinds of model that a propensity is put together from. Each becomes a compiled sum.

All take the coded matrix of `columns`: numbers (NaN is blank) and category numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from crm.ml import flatten
from crm.ml.compiled import MASKS, Compiled, Points, Scorecard, joined

KNOTS = 7
AGAIN = 3  # seeds of big trees, averaged
Fit = Callable[["Task"], Compiled]


@dataclass(frozen=True)
class Task:
    """matrix: (rows, columns); target: (rows,) 0 or 1; levels: per column, 0 for numbers."""

    matrix: np.ndarray
    target: np.ndarray
    levels: tuple[int, ...]
    seed: int
    leaves: int

    @property
    def filled(self) -> np.ndarray:
        """For trees, which refuse a column that is blank everywhere: zero there."""
        return np.where(np.isnan(self.matrix).all(axis=0), 0.0, self.matrix)

    def rows(self, chosen: np.ndarray) -> "Task":
        return Task(self.matrix[chosen], self.target[chosen], self.levels, self.seed, self.leaves)

    def without(self, columns: np.ndarray) -> "Task":
        """The same rows as if these columns (a mask) were blank everywhere."""
        matrix = np.where(columns, np.nan, self.matrix)
        return Task(matrix, self.target, self.levels, self.seed, self.leaves)


@dataclass(frozen=True)
class Basis:
    """How a linear model sees one column: its knots or levels, and whether blanks have a place."""

    knots: np.ndarray
    levels: int
    has_blank: bool
    is_empty: bool = False

    @property
    def width(self) -> int:
        if self.is_empty:
            return 0
        return (self.levels or len(self.knots)) + self.has_blank

    def spread(self, column: np.ndarray) -> np.ndarray:
        """(rows, width) shares of the nearest knots, or one for the level; blanks in the last."""
        missing = np.isnan(column)
        found = np.zeros((len(column), self.width))
        if self.is_empty:
            return found
        if self.levels:
            known = np.flatnonzero(~missing)
            found[known, column[known].astype(np.intp)] = 1.0
        else:
            for place, corner in enumerate(np.eye(len(self.knots))):
                found[:, place] = np.interp(column, self.knots, corner)
            found[missing] = 0.0
        if self.has_blank:
            found[missing, -1] = 1.0
        return found

    def points(self, weights: np.ndarray) -> Points:
        """What a linear model learned of this column; nothing where it was blank everywhere."""
        if self.is_empty:
            return Points(np.zeros(1), np.zeros(max(self.levels, 1)), 0.0, not self.levels)
        own = weights[: len(weights) - self.has_blank]
        blank = float(weights[-1]) if self.has_blank else 0.0
        return Points(self.knots, own, blank, not self.levels)


def logistic(task: Task) -> Compiled:
    """Logistic regression on bent lines and levels."""
    from sklearn.linear_model import LogisticRegression

    bases = bases_of(task)
    fitted = LogisticRegression(C=0.3, max_iter=2000).fit(spread(bases, task.matrix), task.target)
    return linear(bases, fitted.coef_[0], float(fitted.intercept_[0]))


def svm(task: Task) -> Compiled:
    """A linear support vector machine on the same basis: an additive kernel."""
    from sklearn.svm import LinearSVC

    bases = bases_of(task)
    fitted = LinearSVC(C=0.03, random_state=task.seed).fit(spread(bases, task.matrix), task.target)
    return linear(bases, fitted.coef_[0], float(fitted.intercept_[0]))


def forest(task: Task) -> Compiled:
    """A random forest, its leaves as log-odds."""
    from sklearn.ensemble import RandomForestClassifier

    leaf = max(5, min(20, len(task.target) // 500))
    fitted = RandomForestClassifier(
        150, min_samples_leaf=leaf, max_features=0.3, random_state=task.seed
    ).fit(task.filled, task.target)
    return flatten.forest(fitted, task.matrix.shape[1])


def boosting(task: Task) -> Compiled:
    """Gradient boosting, each tree looking at some of the columns; big trees several times over."""
    times = 1 if task.leaves <= MASKS else AGAIN
    return joined([(1.0 / times, _boosted(task, task.seed + again)) for again in range(times)])


def _boosted(task: Task, seed: int) -> Compiled:
    from sklearn.ensemble import HistGradientBoostingClassifier

    fitted = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=task.leaves,
        min_samples_leaf=max(5, min(30, len(task.target) // 50)),
        l2_regularization=5.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    ).fit(task.filled, task.target)
    return flatten.boosting(fitted, task.matrix.shape[1])


MEMBERS: Mapping[str, Fit] = {
    "logistic": logistic,
    "forest": forest,
    "svm": svm,
    "boosting": boosting,
}


def bases_of(task: Task) -> list[Basis]:
    """How a linear model on bent lines sees each column."""
    return [_basis(task.matrix[:, place], levels) for place, levels in enumerate(task.levels)]


def _basis(column: np.ndarray, levels: int) -> Basis:
    filled = column[~np.isnan(column)]
    has_blank = len(filled) < len(column)
    if not len(filled):
        return Basis(np.zeros(1), levels, has_blank, is_empty=True)
    if levels:
        return Basis(np.zeros(0), levels, has_blank)
    return Basis(np.unique(np.quantile(filled, np.linspace(0, 1, KNOTS))), 0, has_blank)


def spread(bases: list[Basis], matrix: np.ndarray) -> np.ndarray:
    """(rows, sum of widths) all columns spread out side by side."""
    return np.hstack([basis.spread(matrix[:, place]) for place, basis in enumerate(bases)])


def linear(bases: list[Basis], weights: np.ndarray, bias: float) -> Compiled:
    """A linear model on the spread columns, as points of a scorecard."""
    ends = np.cumsum([basis.width for basis in bases])[:-1]
    parts = np.split(weights, ends)
    points = [basis.points(part) for basis, part in zip(bases, parts, strict=True)]
    return Compiled(Scorecard(points, bias))
