"""Intervals as error bars: where to draw what, in percent of the width."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.comparing import Comparison


@dataclass(frozen=True)
class Bar:
    comparison: Comparison
    left: float
    width: float
    point: float
    outer_left: float  # of the interval that holds at any look; no width where there is none
    outer_width: float


@dataclass(frozen=True)
class Chart:
    bars: Sequence[Bar]
    zero: float
    ticks: Sequence[tuple[float, float]]  # where, and the value there


def conversion_chart(comparisons: Sequence[Comparison]) -> Chart | None:
    """Differences of conversion on one axis that always shows zero.

    The interval of one look lies within that of any look.
    """
    known = [c for c in comparisons if c.conversion]
    ends = [e for c in known if c.conversion for e in (c.conversion.lower, c.conversion.upper)]
    ends += [end for c in known if c.always for end in c.always]
    if not ends:
        return None
    low, high = min(0.0, *ends), max(0.0, *ends)
    margin = (high - low) * 0.08 or 0.01
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return round((value - low) / (high - low) * 100, 2)

    bars = [
        Bar(
            comparison=c,
            left=place(c.conversion.lower),
            width=round(place(c.conversion.upper) - place(c.conversion.lower), 2),
            point=place(c.conversion.estimate),
            outer_left=place(c.always[0]) if c.always else 0.0,
            outer_width=round(place(c.always[1]) - place(c.always[0]), 2) if c.always else 0.0,
        )
        for c in known
        if c.conversion
    ]
    return Chart(bars, place(0.0), [(place(value), value) for value in _round_values(low, high)])


def _round_values(low: float, high: float) -> list[float]:
    """About four round numbers between two ends, zero among them."""
    rough = (high - low) / 4
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
