"""What outcome to expect of whom: the regressions that uplift learners are put together from.

A surface is fitted on coded columns (`crm.ml.columns`) and becomes a compiled sum, so that every
uplift can be told by column. Bent lines carry what a column does alone, a few shallow trees with
large leaves what two do together.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit

from crm.ml import flatten
from crm.ml.compiled import Compiled, Points, Scorecard, joined
from crm.ml.members import Task, bases_of, linear, logistic, spread

LEAF_SHARE = 0.04  # of the rows, at least, in a leaf of a tree
FEWEST_IN_LEAF = 20
FEWEST_FOR_TREES = 1_000
TREES = 60
FOLDS = 3


@dataclass(frozen=True)
class Surface:
    """`sum_` told by column; a chance is its logistic."""

    sum_: Compiled
    is_chance: bool

    def of(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) the expected outcome."""
        margin = self.sum_.margin(matrix)
        return np.asarray(expit(margin)) if self.is_chance else margin

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        named = self.sum_.arrays() | {"is_chance": np.array(self.is_chance)}
        return {f"{prefix}_{name}": array for name, array in named.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], prefix: str) -> Self:
        start = f"{prefix}_"
        own = {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
        return cls(Compiled.from_arrays(own), bool(own["is_chance"]))


def expected(task: Task, *, is_chance: bool) -> Surface:
    """The outcome of these rows: a chance, or an amount. task.target: (rows,) the outcomes."""
    if not is_chance:
        return Surface(amount(task), False)
    hits, rows = float(task.target.sum()), len(task.target)
    if 0 < hits < rows:
        return Surface(logistic(task), True)
    share = (hits + 0.5) / (rows + 1.0)  # nobody or everybody did it: nothing to tell apart
    return Surface(constant(float(np.log(share / (1 - share))), task.matrix.shape[1]), True)


def amount(task: Task) -> Compiled:
    """The mean of a number: a ridge on bent lines, with shallow trees where they prove their worth.

    The ridge's strength is the one under which the data are likeliest (MacKay 1992): where the
    columns tell nothing it leaves hardly more than the mean. Effects are faint beside their
    noise, and trees soon fit the noise.
    """
    lines = _ridge(task)
    if len(task.target) < FEWEST_FOR_TREES or not _need_trees(task):
        return lines
    return joined([(0.5, lines), (0.5, _trees(task))])


def _need_trees(task: Task) -> bool:
    """Whether with trees the rows left out are foretold better, by more than a standard error."""
    fold = np.random.default_rng(task.seed).permutation(len(task.target)) % FOLDS
    gain = np.zeros(len(task.target))
    for number in range(FOLDS):
        held = fold == number
        part, rest = task.rows(~held), task.rows(held)
        lines = _ridge(part).margin(rest.matrix)
        both = (lines + _trees(part).margin(rest.matrix)) / 2
        gain[held] = (rest.target - lines) ** 2 - (rest.target - both) ** 2
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def constant(value: float, columns: int) -> Compiled:
    nothing = Points(np.zeros(1), np.zeros(1), 0.0, True)
    return Compiled(Scorecard([nothing] * columns, value))


def _ridge(task: Task) -> Compiled:
    from sklearn.linear_model import BayesianRidge

    bases = bases_of(task)
    if not np.ptp(task.target):
        return constant(float(task.target[0]), task.matrix.shape[1])
    fitted = BayesianRidge().fit(spread(bases, task.matrix), task.target)
    return linear(bases, fitted.coef_, float(fitted.intercept_))


def _trees(task: Task) -> Compiled:
    from sklearn.ensemble import HistGradientBoostingRegressor

    fitted = HistGradientBoostingRegressor(
        learning_rate=0.05,
        max_iter=TREES,
        max_leaf_nodes=task.leaves,
        min_samples_leaf=max(FEWEST_IN_LEAF, int(LEAF_SHARE * len(task.target))),
        max_features=0.5,
        early_stopping=False,
        random_state=task.seed,
    ).fit(task.filled, task.target)
    trees, mean = flatten.regression(fitted)
    return Compiled(constant(mean, task.matrix.shape[1]).card, trees)
