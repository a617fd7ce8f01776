"""The chance that something happens to a customer: several models, one calibrated sum.

Logistic regression, a random forest, a support vector machine and gradient boosting are each
fitted by cross-fitting; a logistic regression with weights that cannot be negative puts them
together and calibrates the sum in the same step. The result is one scorecard and one heap of
trees (`compiled`): log-odds that are a sum over columns.

Where the rows come in the order of time and columns drift along it, what was learned of those
columns holds only as far as they reached. Rows beyond get a second, careful sum: a scorecard of
the columns that stay as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from crm.ml.compiled import Compiled, joined
from crm.ml.estimator import State
from crm.ml.members import MEMBERS, Task
from crm.ml.shifts import Seen, drifting

FOLDS = 5
FEWEST_OF_EACH = 10  # rows of each label, to fit and to check
MANY_ROWS = 20_000
PRIOR = 5.0  # rows that equal weights are worth


class NothingToLearn(Exception):
    """The target or the columns do not vary enough; the message says which."""


class Propensity:
    """`fit` takes the coded matrix; `levels` says which columns are categories, and how many."""

    name: ClassVar[str] = "propensity"
    format: ClassVar[int] = 1

    def __init__(
        self,
        *,
        members: Sequence[str] = tuple(MEMBERS),
        leaves: int = 8,
        seed: int = 0,
    ) -> None:
        self.members, self.leaves, self.seed = tuple(members), leaves, seed

    def fit(
        self,
        matrix: np.ndarray,
        target: np.ndarray,
        *,
        levels: Sequence[int] | None = None,
        in_order: bool = False,
    ) -> Self:
        """`in_order`: the rows are in the order of time, so that drift can be seen.

        Raises NothingToLearn where one label is missing or no column varies.
        """
        matrix = rounded(matrix)
        levels = tuple(levels) if levels is not None else (0,) * matrix.shape[1]
        task = Task(matrix, np.asarray(target, dtype=int), levels, self.seed, self.leaves)
        _refuse(task)
        apart = self._cross_fitted(task)
        self.weights_, self.bias_ = stacked(apart, task.target)
        kept = [
            (float(weight), MEMBERS[name](task))
            for name, weight in zip(self.members, self.weights_, strict=True)
            if weight > 1e-3
        ]
        self.compiled_ = joined(kept)
        self.compiled_.card.bias += float(self.bias_)
        self._learn_to_be_careful(task, in_order=in_order)
        self.tenths_ = np.zeros((3, 0))
        return self

    def remember(self, tenths: Sequence[Mapping[str, float]]) -> Self:
        """Keep how often it came true on later time, by tenths of the chance: the interval."""
        rows = [[tenth[name] for tenth in tenths] for name in ("from", "lower", "upper")]
        self.tenths_ = np.array(rows, dtype=float)
        return self

    def interval(self, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows,) each: the 90 % interval of the true rate among alike chances on later time."""
        starts, lower, upper = self.tenths_
        if not len(starts):
            return chance, chance
        place = np.clip(np.searchsorted(starts, chance, side="right") - 1, 0, len(starts) - 1)
        return np.minimum(lower[place], chance), np.maximum(upper[place], chance)

    def margin(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) log-odds."""
        matrix = rounded(matrix)
        margin = self.compiled_.margin(matrix)
        beyond = self.beyond(matrix)
        if self.careful_ is not None and beyond.any():
            margin[beyond] = self.careful_.margin(matrix[beyond])
        return margin

    def beyond(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) whether a row lies beyond what was learned from, and is scored carefully."""
        return self.seen_.beyond(matrix)

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) calibrated probabilities."""
        return np.asarray(expit(self.margin(matrix)))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """(rows, columns); with `bases` they add up to the log-odds."""
        matrix = rounded(matrix)
        told = self.compiled_.contributions(matrix)
        beyond = self.beyond(matrix)
        if self.careful_ is not None and beyond.any():
            told[beyond] = self.careful_.contributions(matrix[beyond])
        return told

    def bases(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) log-odds before any column is looked at."""
        bases = np.full(len(matrix), self.compiled_.base)
        if self.careful_ is not None:
            bases[self.beyond(rounded(matrix))] = self.careful_.base
        return bases

    def state(self) -> State:
        arrays = self.compiled_.arrays()
        arrays |= {"weights": self.weights_, "bias": np.array(self.bias_)}
        arrays |= {"tenths": self.tenths_}
        arrays |= {"seen_low": self.seen_.low, "seen_high": self.seen_.high}
        if self.careful_ is not None:
            arrays |= {f"careful_{name}": a for name, a in self.careful_.arrays().items()}
        return State(arrays, self._settings())

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        self.weights_, self.bias_ = state.arrays["weights"], float(state.arrays["bias"])
        self.compiled_ = Compiled.from_arrays(state.arrays)
        self.seen_ = Seen(state.arrays["seen_low"], state.arrays["seen_high"])
        self.tenths_ = state.arrays["tenths"]
        careful = {
            name.removeprefix("careful_"): array
            for name, array in state.arrays.items()
            if name.startswith("careful_")
        }
        self.careful_ = Compiled.from_arrays(careful) if careful else None
        return self

    def _settings(self) -> dict[str, Any]:
        return {"members": list(self.members), "leaves": self.leaves, "seed": self.seed}

    def _learn_to_be_careful(self, task: Task, *, in_order: bool) -> None:
        """Equal trust in three scorecards: all columns, no drifting numbers, nothing drifting."""
        moving = np.zeros(len(task.levels), dtype=bool)
        if in_order:
            moving = drifting(task.matrix, task.levels)
        numbers = moving & (np.array(task.levels) == 0)
        self.careful_: Compiled | None = None
        self.seen_ = Seen.of(task.matrix, numbers)
        if numbers.any() and not moving.all():
            hidden = (np.zeros_like(moving), numbers, moving)
            views = [MEMBERS["logistic"](task.without(columns)) for columns in hidden]
            self.careful_ = joined([(1.0 / len(views), view) for view in views])

    def _cross_fitted(self, task: Task) -> np.ndarray:
        """(rows, members) log-odds of each row by models that did not see it."""
        apart = np.zeros((len(task.target), len(self.members)))
        for kept, held in folds(task.target, seed=self.seed):
            part = task.rows(kept)
            for place, name in enumerate(self.members):
                apart[held, place] = MEMBERS[name](part).margin(task.matrix[held])
        return apart


class Churn30(Propensity):
    name: ClassVar[str] = "churn_30"


class Churn90(Propensity):
    name: ClassVar[str] = "churn_90"


class Purchase30(Propensity):
    name: ClassVar[str] = "purchase_30"


class Purchase90(Propensity):
    name: ClassVar[str] = "purchase_90"


def rounded(matrix: np.ndarray) -> np.ndarray:
    """Single precision, as forests compare: the same row falls the same way everywhere."""
    return np.asarray(matrix, dtype=np.float32).astype(float)


def folds(target: np.ndarray, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(kept, held) rows; both labels are spread evenly."""
    count = 3 if len(target) > MANY_ROWS else FOLDS
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(target), dtype=int)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(target == label))
        fold[rows] = np.arange(len(rows)) % count
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count)]


def stacked(apart: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (members,) of at least zero and a bias: log-odds that fit the target best."""
    spread = np.maximum(apart.std(axis=0), 1e-9)
    scaled = apart / spread
    ridge = PRIOR / len(target)
    even = np.full(apart.shape[1], 1.0 / apart.shape[1])

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = at[:-1], at[-1]
        margin = scaled @ weights + bias
        off = (expit(margin) - target) / len(target)
        apart_from_even = weights - weights.mean()
        value = float(np.mean(np.logaddexp(0.0, margin) - target * margin))
        value += ridge * float(apart_from_even @ apart_from_even)
        return value, np.append(scaled.T @ off + 2 * ridge * apart_from_even, off.sum())

    bounds = [(0.0, None)] * len(even) + [(None, None)]
    start = np.append(even, np.log((target.mean() + 1e-9) / (1 - target.mean() + 1e-9)))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:-1] / spread, float(found[-1])


def _refuse(task: Task) -> None:
    hits, rows = int(task.target.sum()), len(task.target)
    for label, count in (("yes", hits), ("no", rows - hits)):
        if count < FEWEST_OF_EACH:
            raise NothingToLearn(
                f"{count} of {rows} rows are a {label}; at least {FEWEST_OF_EACH} needed"
            )
    filled = np.where(np.isnan(task.matrix), np.inf, task.matrix)
    if not task.matrix.shape[1] or not (np.ptp(np.nan_to_num(filled), axis=0) > 0).any():
        raise NothingToLearn("no column varies: every row looks the same")
