"""Is it worth choosing whom to treat? Judged on rows that the uplift was not fitted on.

Folds come in a row: each is judged by a learner fitted on those before it alone, so that given
the past a useless ranking has the mean zero, and the folds' statistics add up to a normal one
(Wager 2024, "Sequential validation of treatment heterogeneity"). Ordinary cross-validation may
not do this: there each fold also shapes the learners that judge the others, the same luck is
counted twice, and more than one useless learner in twenty looks useful.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np
from scipy.special import fdtrc, ndtr, ndtri
from scipy.stats import rankdata

from campaigns.ml.lift import LEVEL
from campaigns.ml.uplift import FOLDS, Learner, Trial, check, doubly_robust, fold_of

GROUPS = 5
FEWEST_OF_ARM = 100  # rows, to fit on a fifth of them
ALPHA = 0.05
FAINT = 0.5  # of the mean effect: whom a treatment gives less is worth leaving out


class Target(StrEnum):
    NOBODY = "nobody"
    ALL = "all"
    SOME = "some"


@dataclass(frozen=True)
class Effect:
    """A mean effect in the outcome's unit, and its standard error."""

    estimate: float
    error: float
    size: int

    @classmethod
    def of(cls, scores: np.ndarray) -> "Effect":
        """scores: (rows,) doubly robust."""
        if not len(scores):
            return cls(0.0, 0.0, 0)
        error = float(scores.std(ddof=1)) / sqrt(len(scores)) if len(scores) > 1 else 0.0
        return cls(float(scores.mean()), error, len(scores))

    @property
    def reach(self) -> float:
        """Half of the width of the 95 % interval."""
        return float(ndtri((1 + LEVEL) / 2)) * self.error

    @property
    def lower(self) -> float:
        return self.estimate - self.reach

    @property
    def upper(self) -> float:
        return self.estimate + self.reach

    @property
    def p_value(self) -> float:
        """Two-sided, of no effect."""
        if not self.error:
            return float(not self.estimate)
        return float(2 * ndtr(-abs(self.estimate) / self.error))

    @property
    def p_of_no_gain(self) -> float:
        """One-sided."""
        return self.p_value / 2 if self.estimate > 0 else 1.0 - self.p_value / 2


@dataclass(frozen=True)
class Judged:
    """average: of everybody; groups: of fifths, those with the least foretold uplift first.

    p_value: one-sided, that a ranking which says nothing does as well as the learner's.
    """

    average: Effect
    groups: Sequence[Effect]
    p_value: float
    target: Target

    @property
    def is_significant(self) -> bool:
        return self.p_value < ALPHA


def judge(learner: Learner, trial: Trial, *, seed: int = 0, folds: int = FOLDS) -> Judged:
    """Judge learners of this kind on these rows; `learner` itself is left as it is.

    Raises NothingToCompare where an arm is too small.
    """
    check(trial, fewest=FEWEST_OF_ARM)
    fold = fold_of(trial, seed=seed, count=folds)
    scores = doubly_robust(trial, seed=seed)
    place = np.full(len(trial), np.nan)  # of each row in its fold's ranking, from 0 to 1
    deviates = []
    for number in range(1, folds):
        held = fold == number
        fitted = type(learner)(seed=learner.seed).fit(trial.rows(fold < number))
        place[held] = places(fitted.predict(trial.matrix[held]))
        deviates.append(deviate(place[held], scores[held]))
    average = Effect.of(scores)
    known = ~np.isnan(place)
    group = np.minimum(place[known] * GROUPS, GROUPS - 1).astype(int)
    groups = [Effect.of(scores[known][group == number]) for number in range(GROUPS)]
    p_value = float(ndtr(-sum(deviates) / sqrt(len(deviates))))
    return Judged(average, groups, p_value, decide(average, groups, p_value))


def places(uplift: np.ndarray) -> np.ndarray:
    """(rows,) from just above 0 for the least to just below 1 for the most; ties in the middle."""
    return np.asarray((rankdata(uplift) - 0.5) / len(uplift))


def deviate(place: np.ndarray, scores: np.ndarray) -> float:
    """The area between the ranking's gain and chance's (Qini), in its standard errors."""
    lever = 2.0 * place - 1.0
    if len(scores) < 2 or not np.ptp(lever):
        return 0.0
    part = lever * (scores - scores.mean())
    error = float(part.std(ddof=1)) / sqrt(len(part))
    return float(part.mean()) / error if error else 0.0


def decide(average: Effect, groups: Sequence[Effect], p_value: float) -> Target:
    """Some: the ranking is real, some share at its top gains, and some at its foot hardly does.

    A real ranking of people who all gain nearly alike is no reason to leave anybody out.
    """
    shares = range(1, len(groups))
    gains = any(_together(groups[-share:]).p_of_no_gain < ALPHA for share in shares)
    least = min(_together(groups[:share]).estimate for share in shares)
    if p_value < ALPHA and gains and least < FAINT * max(average.estimate, 0.0):
        return Target.SOME
    return Target.ALL if average.lower > 0 else Target.NOBODY


def _together(groups: Sequence[Effect]) -> Effect:
    sizes = np.array([group.size for group in groups], dtype=float)
    mean = float(sizes @ [group.estimate for group in groups] / sizes.sum())
    error = float(np.sqrt((sizes**2) @ [group.error**2 for group in groups])) / sizes.sum()
    return Effect(mean, error, int(sizes.sum()))


def qini(uplift: np.ndarray, treatment: np.ndarray, outcome: np.ndarray) -> float | None:
    """The Qini coefficient of 0/1 outcomes: 0 for chance, 1 for a perfect ranking.

    Area of the gain curve over chance's, as part of the perfect one's (Radcliffe 2007; as in
    scikit-uplift). None where a perfect ranking gains nothing.
    """
    perfect = treatment * outcome - (1 - treatment) * outcome
    best = _area(perfect, treatment, outcome)
    return _area(uplift, treatment, outcome) / best if best > 0 else None


def gain_curve(
    uplift: np.ndarray, treatment: np.ndarray, outcome: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(points,) rows treated, the best first, and outcomes gained; equal uplifts come together."""
    order = np.argsort(-uplift, kind="stable")
    ranked, was, did = uplift[order], treatment[order], outcome[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    treated = np.cumsum(was)[last]
    control = last + 1 - treated
    scale = np.divide(treated, control, out=np.zeros(len(last)), where=control > 0)
    gained = np.cumsum(did * was)[last] - np.cumsum(did * (1 - was))[last] * scale
    return np.append(0, last + 1), np.append(0.0, gained)


def _area(uplift: np.ndarray, treatment: np.ndarray, outcome: np.ndarray) -> float:
    rows, gained = gain_curve(uplift, treatment, outcome)
    return float(np.trapezoid(gained, rows) - gained[-1] * rows[-1] / 2)


def balance_p(matrix: np.ndarray, levels: Sequence[int], treatment: np.ndarray) -> float:
    """The chance of columns foretelling the treatment this well had it been drawn by lot.

    The F test of a linear regression of the treatment; tiny means that it was not.
    """
    columns = [np.ones((len(matrix), 1))]
    for place, count in enumerate(levels):
        column = matrix[:, place]
        blank = np.isnan(column)
        if count:
            columns.append((column[:, None] == np.arange(1, count)).astype(float))
        else:
            middle = float(column[~blank].mean()) if (~blank).any() else 0.0
            columns.append(np.where(blank, middle, column)[:, None])
        if blank.any():
            columns.append(blank[:, None].astype(float))
    wide = np.hstack(columns)
    fitted, _, rank, _ = np.linalg.lstsq(wide, treatment.astype(float), rcond=None)
    left = treatment - wide @ fitted
    within = float(left @ left)
    between = float(((treatment - treatment.mean()) ** 2).sum()) - within
    told, freedom = int(rank) - 1, len(treatment) - int(rank)
    if told < 1 or freedom < 1:
        return 1.0
    if within <= 1e-9 * len(treatment):
        return 0.0
    return float(fdtrc(told, freedom, (between / told) / (within / freedom)))
