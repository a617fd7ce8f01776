"""Whether a decision treats groups alike: rates by group, their differences, and how sure that is.

The three measures are fairlearn's (Weerts and others 2023). It has no intervals; these are ours:
Wilson's of a share, Newcombe's of the difference of two, and the same way (MOVER; Donner, Zou 2012)
of their ratio. The largest difference among several groups is looked for, so the pairs share the
error (Bonferroni): the interval holds the truth 19 times in 20, however many groups there are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb, inf, sqrt

import numpy as np

from campaigns.ml.experiment import holm
from campaigns.ml.lift import LEVEL, Share, difference_of_shares, wilson

DECIDED = 0.5  # chance from which a decision is yes
ALPHA = 0.05
FEWEST_EXPECTED = 5.0  # in a cell, for the chi-square distribution to be trusted
RESAMPLES = 9_999


@dataclass(frozen=True)
class Group:
    """selected: of all; right: selected of those who should be; wrong: of those who should not;
    precise: who should be, of the selected."""

    selected: Share
    right: Share
    wrong: Share
    precise: Share

    @classmethod
    def of(cls, truth: np.ndarray, decided: np.ndarray) -> "Group":
        """(rows,) booleans."""
        both = int((truth & decided).sum())
        yes, taken = int(truth.sum()), int(decided.sum())
        return cls(
            Share(taken, len(truth)),
            Share(both, yes),
            Share(taken - both, len(truth) - yes),
            Share(both, taken),
        )


@dataclass(frozen=True)
class Measure:
    """None where no two groups can be compared."""

    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Audit:
    """p_values: of equal rates in all groups, corrected for there being three (Holm)."""

    groups: Mapping[str, Group]
    demographic_parity_difference: Measure
    disparate_impact_ratio: Measure
    equalized_odds_difference: Measure
    p_values: Mapping[str, float]

    @property
    def alarms(self) -> list[str]:
        """What differs by more than luck; one audit in twenty of a fair decision has any."""
        return [name for name, p_value in self.p_values.items() if p_value < ALPHA]


def audit(group: np.ndarray, truth: np.ndarray, chance: np.ndarray, *, seed: int = 0) -> Audit:
    """group: (rows,) names of two groups or more; truth: (rows,) 0 or 1; chance: (rows,)."""
    decided = chance >= DECIDED
    groups = by_group(group, truth, decided)
    selected = [one.selected for one in groups.values()]
    parity, ratio, odds = _by_fairlearn(group, truth, decided)
    return Audit(
        groups,
        Measure(parity, *largest_difference([selected])),
        Measure(ratio, *smallest_ratio(selected)),
        Measure(odds, *_odds(groups.values())),
        p_of_luck(groups.values(), seed=seed),
    )


def by_group(group: np.ndarray, truth: np.ndarray, decided: np.ndarray) -> dict[str, Group]:
    names, place = np.unique(group, return_inverse=True)
    return {
        str(name): Group.of(truth[place == number] == 1, decided[place == number])
        for number, name in enumerate(names)
    }


def p_of_luck(groups: Iterable[Group], *, seed: int) -> dict[str, float]:
    """By rate, the chance of groups so far apart by luck alone; corrected for three rates."""
    rates = {"selection_rate": "selected", "tpr": "right", "fpr": "wrong"}
    listed = list(groups)
    p_values = {
        name: homogeneity_p([getattr(one, rate) for one in listed], seed=seed)
        for name, rate in rates.items()
    }
    corrected = holm(p_values)
    return {name: corrected[name] for name in rates}


def largest_difference(
    rates: Iterable[list[Share]], *, level: float = LEVEL
) -> tuple[float, float] | tuple[None, None]:
    """The interval of the largest difference between two groups in any of these rates."""
    pairs = [pair for shares in rates for pair in combinations(shares, 2)]
    if not pairs:
        return None, None
    each = 1.0 - (1.0 - level) / len(pairs)
    low, high = 0.0, 0.0
    for one, other in pairs:
        seen = difference_of_shares(one, other, level=each)
        if seen is not None:
            low = max(low, seen.lower, -seen.upper)
            high = max(high, seen.upper, -seen.lower)
    return low, high


def smallest_ratio(
    shares: list[Share], *, level: float = LEVEL
) -> tuple[float, float] | tuple[None, None]:
    """The interval of the smallest ratio of one group's rate to another's."""
    if len(shares) < 2 or not any(share.hits for share in shares):
        return None, None
    each = 1.0 - (1.0 - level) / comb(len(shares), 2)
    low, high = 1.0, 1.0
    for one, other in combinations(shares, 2):
        lower, upper = ratio_of_shares(one, other, level=each)
        low = min(low, lower, 1.0 / upper if upper else 1.0)
        if upper < 1.0:
            high = min(high, upper)
        elif lower > 1.0:
            high = min(high, 1.0 / lower)
    return low, high


def _odds(groups: Iterable[Group]) -> tuple[float, float] | tuple[None, None]:
    """Of the groups that have both, who should be selected and who should not."""
    known = [group for group in groups if group.right.size and group.wrong.size]
    return largest_difference([[one.right for one in known], [one.wrong for one in known]])


def ratio_of_shares(one: Share, other: Share, *, level: float = LEVEL) -> tuple[float, float]:
    """The interval of one rate over the other, from their Wilson intervals."""
    low1, high1 = wilson(one, level=level)
    low2, high2 = wilson(other, level=level)
    product = one.rate * other.rate
    lower_root = product**2 - low1 * high2 * (2 * one.rate - low1) * (2 * other.rate - high2)
    upper_root = product**2 - high1 * low2 * (2 * one.rate - high1) * (2 * other.rate - low2)
    below, above = high2 * (2 * other.rate - high2), low2 * (2 * other.rate - low2)
    lower = (product - sqrt(max(lower_root, 0.0))) / below if below else 0.0
    upper = (product + sqrt(max(upper_root, 0.0))) / above if above > 0 else inf
    return max(lower, 0.0), upper


def homogeneity_p(shares: list[Share], *, seed: int) -> float:
    """The chance of rates so far apart were they all the same: Pearson's chi-square.

    By tables drawn with the same margins where a cell is too thin. 1 where nothing can differ.
    """
    from scipy.stats import MonteCarloMethod, chi2_contingency

    table = np.array([[one.hits, one.size - one.hits] for one in shares if one.size])
    if len(table) < 2 or not table.sum(axis=0).all():
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() >= FEWEST_EXPECTED:
        return float(chi2_contingency(table, correction=False).pvalue)
    method = MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(seed))
    return float(chi2_contingency(table, correction=False, method=method).pvalue)


def _by_fairlearn(
    group: np.ndarray, truth: np.ndarray, decided: np.ndarray
) -> tuple[float, float | None, float | None]:
    """The three measures. Groups without a rate are left out; fairlearn would take it for 0."""
    from fairlearn.metrics import (
        demographic_parity_difference,
        demographic_parity_ratio,
        equalized_odds_difference,
    )

    said = {"y_true": truth.astype(int), "y_pred": decided.astype(int)}
    parity = float(demographic_parity_difference(**said, sensitive_features=group))
    ratio = None
    if decided.any():
        ratio = float(demographic_parity_ratio(**said, sensitive_features=group))
    has_both = [name for name in np.unique(group) if len(np.unique(truth[group == name])) > 1]
    odds = None
    if len(has_both) > 1:
        rows = np.isin(group, has_both)
        said = {name: values[rows] for name, values in said.items()}
        odds = float(equalized_odds_difference(**said, sensitive_features=group[rows]))
    return parity, ratio, odds
