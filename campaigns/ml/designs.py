"""How many customers an experiment needs, and when it may be looked at.

Three designs are on offer. Fixed: one look, when all have come. Group sequential: a few looks at
moments of one's choice, early stops only for the very clear (O'Brien-Fleming, by Lan and DeMets'
spending, 1983). Always valid: any look on any day (`crm/ml/sequences.py`), for a wider interval.
"""

from collections.abc import Sequence
from math import ceil, inf, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

LEVEL = 0.95
POWER = 0.8
NODES = 64  # of Gauss and Legendre for each look: bounds are exact to eight places
WIDEST = 12.0  # standard errors; nothing is ever seen beyond


def units_for_shares(
    base: float, lift: float, *, level: float = LEVEL, power: float = POWER
) -> int:
    """Units of each arm so that a true base x (1 + lift) is told from base.

    Two-sided z test of two shares (Fleiss, Levin, Paik 2003, unpooled under the alternative).
    Raises ValueError naming what cannot be.
    """
    other = base * (1.0 + lift)
    if not 0.0 < base < 1.0 or not 0.0 < other < 1.0 or other == base:
        raise ValueError(f"lift: shares of {base} and {other} cannot be told apart")
    middle = (base + other) / 2.0
    by_luck = _z(level) * sqrt(2.0 * middle * (1.0 - middle))
    by_lift = float(ndtri(power)) * sqrt(base * (1.0 - base) + other * (1.0 - other))
    return ceil(((by_luck + by_lift) / (other - base)) ** 2)


def units_for_means(
    deviation: float, difference: float, *, level: float = LEVEL, power: float = POWER
) -> int:
    """Units of each arm so that a true difference of means is found; both in the same money."""
    if not deviation > 0.0 or not difference:
        raise ValueError("difference: a deviation above 0 and a difference other than 0 are needed")
    reach = _z(level) + float(ndtri(power))
    return max(ceil(2.0 * (reach * deviation / difference) ** 2), 2)


def spent(fraction: float, *, level: float = LEVEL) -> float:
    """The chance of a false alarm, both sides together, that this part of the units may use up."""
    if not fraction > 0.0:
        return 0.0
    side = (1.0 - level) / 2.0
    return float(4.0 * ndtr(ndtri(side / 2.0) / sqrt(min(fraction, 1.0))))


def bounds(fractions: Sequence[float], *, level: float = LEVEL) -> list[float]:
    """For each look, how many standard errors a difference must be away from zero to stop.

    fractions: part of the planned units that had come at each look, rising, the last at most 1.
    Looks need not be evenly spaced, nor known beforehand; only their plan's end must be.
    """
    rising = all(a < b for a, b in zip([0.0, *fractions], fractions, strict=False))
    if not fractions or not rising or fractions[-1] > 1.0:
        raise ValueError("fractions: parts of the planned units, rising, up to 1")
    at, density = np.zeros(1), np.ones(1)  # where the unstopped are, as a Brownian motion
    found: list[float] = []
    before, used = 0.0, 0.0
    for fraction in fractions:
        step = sqrt(fraction - before)
        may_use = spent(fraction, level=level)
        edge = _edge(at, density, step, may_use - used, widest=WIDEST * sqrt(fraction))
        found.append(edge / sqrt(fraction) if edge < inf else inf)
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        reach = min(edge, WIDEST * sqrt(fraction))
        there = nodes * reach
        kernel = np.exp(-0.5 * ((there[:, None] - at[None]) / step) ** 2) / sqrt(2.0 * np.pi)
        at, density = there, (kernel / step) @ density * weights * reach
        before, used = fraction, may_use
    return found


def _edge(
    at: np.ndarray, density: np.ndarray, step: float, may_use: float, *, widest: float
) -> float:
    """How far out a motion may go in this step so that just `may_use` of it goes farther."""

    from scipy.optimize import brentq  # no server needs it from the start

    def beyond(edge: float) -> float:
        out = ndtr((-edge - at) / step) + ndtr((at - edge) / step)
        return float(out @ density) - may_use

    if beyond(widest) >= 0.0:
        return inf
    return float(brentq(beyond, 0.0, widest, xtol=1e-12))


def _z(level: float) -> float:
    return float(ndtri((1.0 + level) / 2.0))
