"""What a treatment changed, with the interval within which the truth lies 19 times in 20.

Shares of customers: Newcombe's hybrid score interval, which holds its level for small counts
and never leaves [-1, 1]. Means of money: Welch's interval, which does not assume that the arms
vary alike. A difference is never returned without its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

LEVEL = 0.95
SUSPICIOUS = 0.001  # sample ratios less likely than this mean a broken split


@dataclass(frozen=True)
class Share:
    """How many of how many did it."""

    hits: int
    size: int

    @property
    def rate(self) -> float:
        return self.hits / self.size if self.size else 0.0


@dataclass(frozen=True)
class Mean:
    """A sample of numbers, as its size, mean and variance (divided by size - 1)."""

    size: int
    mean: float
    variance: float

    @classmethod
    def of_sums(cls, size: int, total: float, squares: float) -> "Mean":
        """From the sum and the sum of squares, where most values may be zero and not listed."""
        if not size:
            return cls(0, 0.0, 0.0)
        mean = total / size
        variance = max(squares - size * mean * mean, 0.0) / (size - 1) if size > 1 else 0.0
        return cls(size, mean, variance)


@dataclass(frozen=True)
class Difference:
    """Treated minus control, its interval, and the chance of so much by luck alone."""

    estimate: float
    lower: float
    upper: float
    p_value: float

    @property
    def is_clear(self) -> bool:
        """The interval does not hold zero."""
        return self.lower > 0 or self.upper < 0

    def times(self, factor: float) -> "Difference":
        """The same for `factor` customers together."""
        return Difference(
            self.estimate * factor, self.lower * factor, self.upper * factor, self.p_value
        )


def difference_of_shares(
    treated: Share, control: Share, *, level: float = LEVEL
) -> Difference | None:
    """Compare two shares; None while an arm is empty. The p-value is the pooled z test's."""
    if not treated.size or not control.size:
        return None
    estimate = treated.rate - control.rate
    low1, high1 = wilson(treated, level=level)
    low2, high2 = wilson(control, level=level)
    lower = estimate - sqrt((treated.rate - low1) ** 2 + (high2 - control.rate) ** 2)
    upper = estimate + sqrt((high1 - treated.rate) ** 2 + (control.rate - low2) ** 2)
    pooled = (treated.hits + control.hits) / (treated.size + control.size)
    error = sqrt(pooled * (1 - pooled) * (1 / treated.size + 1 / control.size))
    p_value = float(2 * ndtr(-abs(estimate) / error)) if error else 1.0
    return Difference(estimate, lower, upper, p_value)


def difference_of_means(treated: Mean, control: Mean, *, level: float = LEVEL) -> Difference | None:
    """Compare two means by Welch; None while an arm has fewer than two members."""
    if treated.size < 2 or control.size < 2:
        return None
    estimate = treated.mean - control.mean
    parts = treated.variance / treated.size, control.variance / control.size
    error = sqrt(sum(parts))
    if not error:
        return Difference(estimate, estimate, estimate, 1.0 if not estimate else 0.0)
    freedom = sum(parts) ** 2 / (
        parts[0] ** 2 / (treated.size - 1) + parts[1] ** 2 / (control.size - 1)
    )
    reach = float(stdtrit(freedom, (1 + level) / 2)) * error
    p_value = float(2 * stdtr(freedom, -abs(estimate) / error))
    return Difference(estimate, estimate - reach, estimate + reach, p_value)


def wilson(share: Share, *, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of one share."""
    z = float(ndtri((1 + level) / 2))
    size, rate = share.size, share.rate
    middle = (rate + z * z / (2 * size)) / (1 + z * z / size)
    reach = z / (1 + z * z / size) * sqrt(rate * (1 - rate) / size + z * z / (4 * size * size))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def sample_ratio_p(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """The chance of arms so far from their planned sizes; tiny means that something is broken."""
    seen = np.asarray(sizes, dtype=float)
    planned = np.asarray(shares, dtype=float)
    if len(seen) < 2 or not seen.sum():
        return 1.0
    expected = planned / planned.sum() * seen.sum()
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return float(chdtrc(len(seen) - 1, statistic))
