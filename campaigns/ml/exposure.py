"""Whether the offers of a policy reach groups alike: shares, the smallest ratio, and values.

The four-fifths rule (EEOC, Uniform Guidelines, 1978, §4D): a group's share below 0.8 of the best
one's speaks of adverse impact. Here it speaks only when the whole interval lies below, with the
intervals of `fairness` (decision 74).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from campaigns.ml.fairness import smallest_ratio
from campaigns.ml.lift import Share, wilson

FOUR_FIFTHS = 0.8
FEWEST = 30  # customers of a group that is compared


@dataclass(frozen=True)
class Exposed:
    """One group: customers, how many get an offer of value, the interval, mean value of all."""

    size: int
    share: float
    lower: float
    upper: float
    value: float


@dataclass(frozen=True)
class Exposure:
    """By group; the smallest ratio of two shares with its interval (None: nothing to compare)."""

    groups: Mapping[str, Exposed]
    ratio: float | None
    lower: float | None
    upper: float | None

    @property
    def is_uneven(self) -> bool:
        """Surely below four fifths."""
        return self.upper is not None and self.upper < FOUR_FIFTHS


def exposure(group: np.ndarray, exposed: np.ndarray, value: np.ndarray) -> Exposure:
    """group: (customers,) names, "" where unknown; exposed: (customers,) of bool; value: money.

    Groups of fewer than 30 customers, and those of whom the group is unknown, are left out.
    """
    names, sizes = np.unique(group[group != ""], return_counts=True)
    shares, groups = [], {}
    for name in names[sizes >= FEWEST]:
        mine = group == name
        share = Share(int(exposed[mine].sum()), int(mine.sum()))
        low, high = wilson(share)
        shares.append(share)
        groups[str(name)] = Exposed(share.size, share.rate, low, high, float(value[mine].mean()))
    rates = [one.share for one in groups.values()]
    if len(rates) < 2 or not max(rates):
        return Exposure(groups, None, None, None)
    low_ratio, high_ratio = smallest_ratio(shares)
    return Exposure(groups, min(rates) / max(rates), low_ratio, high_ratio)


def drawn_once(chances: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """(n,) the number of an action for each row of chances (n, actions), which add up to one."""
    return np.asarray((chances.cumsum(axis=1) < rng.random(len(chances))[:, None]).sum(axis=1))
