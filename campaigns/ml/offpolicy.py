"""What a policy that never ran would have brought, from the log of another, if it can be said.

Inverse propensity (IPS: Horvitz, Thompson 1952), self-normalised (SNIPS: Swaminathan, Joachims
2015) and doubly robust with a cross-fitted reward model (DR: Dudik, Langford, Li 2011). Intervals
are those of the estimators' influence functions, summed over the decisions of a customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit

from campaigns.ml.rewards import RewardModel

LEVEL = 0.95
FEWEST_EFFECTIVE, SMALLEST_SHARE = 500.0, 0.05  # decisions that the weights leave of the log
MEAN_WEIGHT = (0.8, 1.2)  # beyond, propensities are wrong or part of the candidate was never tried
UNSUPPORTED = 1e-9  # mass on actions that the log never has
FOLDS = 5


class Verdict(StrEnum):
    PROMOTE = "promote"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference"
    INSUFFICIENT = "insufficient support"


@dataclass(frozen=True)
class Log:
    """Decisions that were made: all (n,) but contexts (n, d).

    actions: from 0. propensities: the chance each action was drawn with, above 0. customers:
    decisions with the same number depend on each other; each stands for itself if None.
    """

    actions: np.ndarray
    propensities: np.ndarray
    rewards: np.ndarray
    contexts: np.ndarray
    customers: np.ndarray | None = None

    @property
    def groups(self) -> np.ndarray:
        """(n,) numbers of customers, from 0 without gaps."""
        if self.customers is None:
            return np.arange(len(self.actions))
        return np.unique(self.customers, return_inverse=True)[1].ravel()


@dataclass(frozen=True)
class Estimate:
    """A value for each decision, and the interval that holds the true one 19 times in 20."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Evaluation:
    """ips, snips, dr: the candidate's value; gain: dr less what the log's own policy brought."""

    ips: Estimate
    snips: Estimate
    dr: Estimate
    incumbent: Estimate
    gain: Estimate
    effective_sample_size: float
    mean_weight: float
    unsupported: float  # the candidate's chance, on average, of actions that the log never has
    verdict: Verdict
    reasons: tuple[str, ...]  # why support is insufficient


def evaluate(log: Log, chances: np.ndarray, *, rng: np.random.Generator) -> Evaluation:
    """Judge a candidate by its chances of every action in every decision of the log, (n, actions).

    rng shares customers out to the folds of the reward model. Raises ValueError where an array
    cannot be what it should be.
    """
    _check(log, chances)
    groups = log.groups
    every = np.arange(len(log.actions))
    weights = chances[every, log.actions] / log.propensities
    expected = _expected(log, chances.shape[1], groups, rng)
    direct = (chances * expected).sum(axis=1)
    parts = direct + weights * (log.rewards - expected[every, log.actions])
    effective = _effective(weights)
    mean = float(weights.mean())
    tried = np.bincount(log.actions, minlength=chances.shape[1]) > 0
    unsupported = float(chances[:, ~tried].sum(axis=1).mean())
    dr, incumbent, gain = (
        interval(values, groups, effective=size)
        for values, size in (
            (parts, effective),
            (log.rewards, float(len(parts))),
            (parts - log.rewards, effective),
        )
    )
    reasons = _lacking(effective, len(weights), mean, unsupported)
    return Evaluation(
        ips=interval(weights * log.rewards, groups, effective=effective, skewed=True),
        snips=_self_normalised(weights, log.rewards, groups, effective),
        dr=dr,
        incumbent=incumbent,
        gain=gain,
        effective_sample_size=effective,
        mean_weight=mean,
        unsupported=unsupported,
        verdict=_verdict(dr, incumbent, gain, reasons),
        reasons=reasons,
    )


def interval(
    values: np.ndarray, groups: np.ndarray, *, effective: float, skewed: bool = False
) -> Estimate:
    """The mean of values (n,) that depend on each other within groups (n,), numbered from 0.

    effective: how many decisions there are in effect; few of them have Student's tails. skewed:
    take account of values with one long tail.
    """
    middle = float(values.mean())
    return _around(middle, values - middle, groups, effective, skewed=skewed)


def _self_normalised(
    weights: np.ndarray, rewards: np.ndarray, groups: np.ndarray, effective: float
) -> Estimate:
    total = float(weights.sum())
    if not total:
        return Estimate(0.0, -np.inf, np.inf)
    value = float(weights @ rewards) / total
    influence = weights * (rewards - value) * (len(weights) / total)
    return _around(value, influence, groups, effective)


def _around(
    value: float,
    influence: np.ndarray,
    groups: np.ndarray,
    effective: float,
    *,
    skewed: bool = False,
) -> Estimate:
    """influence: (n,) of sum zero; by how much each decision moves the value, times n."""
    sums = np.bincount(groups, weights=influence)
    if len(sums) < 2:
        return Estimate(value, -np.inf, np.inf)
    squares = float(sums @ sums)
    if not squares:
        return Estimate(value, value, value)
    error = float(np.sqrt(len(sums) / (len(sums) - 1.0) * squares)) / len(influence)
    freedom = max(min(effective, len(sums)) - 1.0, 1.0)
    reach = float(stdtrit(freedom, (1.0 + LEVEL) / 2.0))
    skewness = float((sums**3).sum()) / squares**1.5 if skewed else 0.0
    low, high = (_unskewed(side * reach, skewness) for side in (-1.0, 1.0))
    return Estimate(value, value - high * error, value - low * error)


def _unskewed(quantile: float, skewness: float) -> float:
    """A quantile of Student's ratio where the summands are skewed (Hall 1992).

    skewness: that of the sum. Weights have a long tail upwards, so that their sum is more often
    too low than too high, and looks the more certain the lower it is.
    """
    if abs(skewness) < 1e-9:
        return quantile
    return 3.0 / skewness * (float(np.cbrt(1.0 + skewness * quantile - skewness**2 / 6.0)) - 1.0)


def _expected(log: Log, actions: int, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, actions): what each action brings by a model that has not seen this customer."""
    fold = rng.permutation(groups.max() + 1)[groups] % FOLDS
    expected = np.zeros((len(groups), actions))
    for held in range(FOLDS):
        mine, others = fold == held, fold != held
        if mine.any() and others.any():
            model = RewardModel(actions).fit(
                log.contexts[others], log.actions[others], log.rewards[others]
            )
            expected[mine] = model.predict(log.contexts[mine])
    return expected


def _effective(weights: np.ndarray) -> float:
    """Kish's sample size: how many equally weighted decisions would say as much."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _lacking(effective: float, size: int, mean: float, unsupported: float) -> tuple[str, ...]:
    lacking: Sequence[tuple[bool, str]] = (
        (effective < FEWEST_EFFECTIVE, f"effective sample size is {effective:.0f}, below 500"),
        (effective < SMALLEST_SHARE * size, f"{effective / size:.1%} of the log count, below 5 %"),
        (
            not MEAN_WEIGHT[0] <= mean <= MEAN_WEIGHT[1],
            f"the mean weight is {mean:.2f}, outside .8 to 1.2",
        ),
        (
            unsupported > UNSUPPORTED,
            f"{unsupported:.1%} of the candidate's choices were never tried",
        ),
    )
    return tuple(reason for lacks, reason in lacking if lacks)


def _verdict(
    dr: Estimate, incumbent: Estimate, gain: Estimate, reasons: tuple[str, ...]
) -> Verdict:
    """Clear of the incumbent twice: by the candidate's interval and by that of the difference."""
    if reasons:
        return Verdict.INSUFFICIENT
    if dr.lower > incumbent.value and gain.lower > 0:
        return Verdict.PROMOTE
    if dr.upper < incumbent.value and gain.upper < 0:
        return Verdict.WORSE
    return Verdict.NO_DIFFERENCE


def _check(log: Log, chances: np.ndarray) -> None:
    size = len(log.actions)
    if not size or len(chances) != size:
        raise ValueError("chances: one row for each decision, and at least one decision")
    if not np.all((log.propensities > 0) & (log.propensities <= 1)):
        raise ValueError("propensities: above 0, at most 1")
    if not np.all(chances >= 0) or not np.allclose(chances.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError("chances: at least 0, adding up to 1 in each decision")
    if not np.all(np.isfinite(log.rewards)):
        raise ValueError("rewards: finite numbers")
