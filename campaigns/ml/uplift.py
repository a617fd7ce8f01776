"""Who changes because of the message: the effect of a treatment, customer by customer.

Three learners behind one contract, all on rows whose treatment was drawn by chance (or by a
chance that is known): T, two surfaces and their difference; X, imputed effects of each arm
(Kuenzel, Sekhon, Bickel, Yu 2019); DR, a regression of doubly robust scores (Kennedy 2023).
Whether an uplift is more than noise is not theirs to say: `targeting` judges it on rows that
were not fitted on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from campaigns.ml.surfaces import Surface, amount, expected
from crm.ml.compiled import joined
from crm.ml.estimator import State
from crm.ml.members import Task

FOLDS = 5
FEWEST_OF_ARM = 10  # rows of an arm, to fit
LEAVES = 8


class NothingToCompare(Exception):
    """The rows cannot tell an effect; the message says why."""


@dataclass(frozen=True)
class Trial:
    """What was tried on whom.

    matrix: (rows, columns) as `crm.ml.columns` codes it, `levels` per column, 0 for numbers;
    treatment: (rows,) 0 or 1; outcome: (rows,); propensity: (rows,) the chance of treatment.
    """

    matrix: np.ndarray
    levels: tuple[int, ...]
    treatment: np.ndarray
    outcome: np.ndarray
    propensity: np.ndarray

    @classmethod
    def randomised(
        cls,
        matrix: np.ndarray,
        levels: tuple[int, ...],
        treatment: np.ndarray,
        outcome: np.ndarray,
    ) -> Self:
        """Everybody had the same chance of treatment: the share that was treated."""
        share = np.full(len(treatment), float(np.mean(treatment)))
        return cls(matrix, levels, treatment, outcome, share)

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def is_chance(self) -> bool:
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())

    def rows(self, chosen: np.ndarray) -> "Trial":
        return replace(
            self,
            matrix=self.matrix[chosen],
            treatment=self.treatment[chosen],
            outcome=self.outcome[chosen],
            propensity=self.propensity[chosen],
        )

    def task(self, target: np.ndarray, rows: np.ndarray, *, seed: int) -> Task:
        return Task(self.matrix[rows], target[rows], self.levels, seed, LEAVES)


class Learner:
    """`fit` takes a Trial; `predict` gives (rows,) uplifts in the outcome's unit."""

    name: ClassVar[str]
    format: ClassVar[int] = 1
    surfaces: ClassVar[tuple[str, ...]]

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, trial: Trial) -> Self:
        """Raises NothingToCompare where an arm is too small."""
        raise NotImplementedError

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def state(self) -> State:
        arrays: dict[str, np.ndarray] = {}
        for name in self.surfaces:
            arrays |= getattr(self, f"{name}_").arrays(name)
        return State(arrays, {"seed": self.seed})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        for name in cls.surfaces:
            setattr(self, f"{name}_", Surface.from_arrays(state.arrays, name))
        return self


class TLearner(Learner):
    """Two surfaces, one of each arm; the uplift is their difference."""

    name: ClassVar[str] = "uplift_t"
    surfaces: ClassVar[tuple[str, ...]] = ("treated", "control")

    def fit(self, trial: Trial) -> Self:
        self.control_, self.treated_ = arms(trial, seed=self.seed)
        return self

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        return self.treated_.of(matrix) - self.control_.of(matrix)


class XLearner(Learner):
    """What each arm's rows gained over what the other arm would foretell, put together.

    Weighted by the chance of treatment: the larger arm has the better surface, which imputes
    the effects of the smaller one.
    """

    name: ClassVar[str] = "uplift_x"
    surfaces: ClassVar[tuple[str, ...]] = ("effect",)

    def fit(self, trial: Trial) -> Self:
        control, treated = arms(trial, seed=self.seed)
        gained = np.where(
            trial.treatment == 1,
            trial.outcome - control.of(trial.matrix),
            treated.of(trial.matrix) - trial.outcome,
        )
        share = float(trial.propensity.mean())
        both = [
            (weight, amount(trial.task(gained, trial.treatment == arm, seed=self.seed)))
            for arm, weight in ((0, share), (1, 1.0 - share))
        ]
        self.effect_ = Surface(joined(both), False)
        return self

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        return self.effect_.of(matrix)


class DRLearner(Learner):
    """A regression of doubly robust scores, their surfaces cross-fitted."""

    name: ClassVar[str] = "uplift_dr"
    surfaces: ClassVar[tuple[str, ...]] = ("effect",)

    def fit(self, trial: Trial) -> Self:
        scores = doubly_robust(trial, seed=self.seed)
        everybody = np.arange(len(trial))
        self.effect_ = Surface(amount(trial.task(scores, everybody, seed=self.seed)), False)
        return self

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        return self.effect_.of(matrix)


LEARNERS: Mapping[str, type[Learner]] = {"t": TLearner, "x": XLearner, "dr": DRLearner}


def arms(trial: Trial, *, seed: int) -> tuple[Surface, Surface]:
    """What is expected of everybody without and with the treatment."""
    check(trial)
    control, treated = (
        expected(
            trial.task(trial.outcome, trial.treatment == arm, seed=seed),
            is_chance=trial.is_chance,
        )
        for arm in (0, 1)
    )
    return control, treated


def doubly_robust(trial: Trial, *, seed: int) -> np.ndarray:
    """(rows,) scores whose mean, in any group chosen without them, is the group's effect.

    Robins, Rotnitzky, Zhao 1994: unbiased wherever the propensities are true, however bad the
    surfaces; good surfaces only make them less noisy. No row is scored by a surface it shaped.
    """
    check(trial)
    foretold = np.zeros((2, len(trial)))
    for kept, held in folds(trial, seed=seed):
        for arm, surface in enumerate(arms(trial.rows(kept), seed=seed)):
            foretold[arm, held] = surface.of(trial.matrix[held])
    control, treated = foretold
    was, chance = trial.treatment, trial.propensity
    return (
        treated
        - control
        + was * (trial.outcome - treated) / chance
        - (1 - was) * (trial.outcome - control) / (1 - chance)
    )


def folds(trial: Trial, *, seed: int, count: int = FOLDS) -> Iterator[tuple[Any, Any]]:
    """(kept, held) rows; the arms, and who did it of each, are spread evenly."""
    fold = fold_of(trial, seed=seed, count=count)
    for number in range(count):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


def fold_of(trial: Trial, *, seed: int, count: int) -> np.ndarray:
    """(rows,) which fold each row is in."""
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(trial))
    order = drawn[np.lexsort((trial.outcome[drawn], trial.treatment[drawn]))]
    fold = np.empty(len(trial), dtype=int)
    fold[order] = np.arange(len(trial)) % count
    return fold


def check(trial: Trial, *, fewest: int = FEWEST_OF_ARM) -> None:
    """Raises NothingToCompare for an arm that is too small."""
    for arm, name in ((1, "treated"), (0, "not treated")):
        size = int((trial.treatment == arm).sum())
        if size < fewest:
            raise NothingToCompare(f"{size} rows were {name}; at least {fewest} are needed")
