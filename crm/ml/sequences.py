"""Intervals that may be looked at again and again: confidence sequences.

An ordinary 95 % interval holds for one look, chosen beforehand. Who looks every day and stops at
the first surprise is fooled half of the time. A confidence sequence holds at all looks together:
the chance that it ever leaves out the truth is at most one in twenty (Ville's inequality).
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from scipy.special import betaln

LEVEL = 0.95
EDGE = 1e-12
# Units of each arm at which a difference's interval is at its narrowest, as a multiple of what an
# interval for that one look would be: a tenth more than a base rate of one in twenty is found in
# 87 of 100 experiments by 60,000, a fifth more by 9,000 in half of them.
PLANNED = 25_000
NARROWEST = 8.4  # spread over variance at the narrowest, for one in twenty (Howard et al. 2021)


@dataclass(frozen=True)
class Always:
    """A share with an interval that holds at every look; `size` is what it was seen on."""

    share: float
    low: float
    high: float
    size: int


def share(hits: int, size: int, *, level: float = LEVEL, weight: float = 3.0) -> Always:
    """The share of independent trials that hit, and its confidence sequence.

    Of all shares those remain against which a bet on Beta(weight, weight), made before the first
    trial, has not multiplied its stake by 1 / (1 - level) (Robbins 1970; exact for any size).
    weight: the larger, the narrower for shares near one half, and the wider for others.
    """
    if not 0 <= hits <= size:
        raise ValueError(f"{hits} hits of {size}")
    if not size:
        return Always(0.5, 0.0, 1.0, 0)
    from scipy.optimize import brentq  # no server needs it from the start

    mean = hits / size
    stake = log(1.0 / (1.0 - level))

    def above(p: float) -> float:
        return gain(hits, size, against=p, weight=weight) - stake

    def end(edge: float) -> float:
        inner = float(np.clip(mean, EDGE, 1.0 - EDGE))
        return edge if above(edge) <= 0.0 else float(brentq(above, edge, inner, xtol=1e-10))

    low = 0.0 if hits == 0 else end(EDGE)
    high = 1.0 if hits == size else end(1.0 - EDGE)
    return Always(mean, low if low > EDGE else 0.0, high if high < 1.0 - EDGE else 1.0, size)


def gain(hits: int, size: int, *, against: float, weight: float = 3.0) -> float:
    """Logarithm of what a stake of one has become by betting against this share."""
    won = betaln(weight + hits, weight + size - hits) - betaln(weight, weight)
    return float(won - hits * log(against) - (size - hits) * log(1.0 - against))


def p_value(hits: int, size: int, *, against: float = 0.5, weight: float = 3.0) -> float:
    """Valid at any look: the chance, were `against` true, that a stake ever grows this large."""
    return min(1.0, exp(-gain(hits, size, against=against, weight=weight)))


@dataclass(frozen=True)
class Look:
    """A difference of means so far: `error` is its standard error, `units` the smaller arm's."""

    estimate: float
    error: float
    units: int

    def spread(self, planned: float) -> float:
        """Variance of the differences that are bet on; settled by the plan, not by the data."""
        return NARROWEST * self.error**2 * self.units / planned


def reach(look: Look, *, level: float = LEVEL, planned: float = PLANNED) -> float:
    """Half of the width of a confidence sequence of a difference of means.

    A normal mixture of bets (Robbins 1970; asymptotic for any distribution with a variance:
    Waudby-Smith et al. 2021). Infinite while nothing varies or an arm is empty.
    """
    if not look.error or not look.units:
        return float("inf")
    variance, spread = look.error**2, look.spread(planned)
    wide = 2.0 * log(1.0 / (1.0 - level)) + log((variance + spread) / variance)
    return sqrt(variance * (variance + spread) / spread * wide)


def p_of_difference(look: Look, *, planned: float = PLANNED) -> float:
    """Valid at any look: at most the level wherever the sequence of that level leaves out zero."""
    if not look.error or not look.units:
        return 1.0
    variance, spread = look.error**2, look.spread(planned)
    won = look.estimate**2 / (2.0 * variance) * spread / (variance + spread)
    return min(1.0, exp(-won + 0.5 * log((variance + spread) / variance)))
