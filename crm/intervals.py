"""Intervals as error bars on one axis that always shows zero: where to draw what, in percent."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.formats import number_format

ROOM = 0.08  # of the width, left and right of the outermost end


@dataclass(frozen=True)
class Bar:
    """One interval. It is clear where zero lies outside of it."""

    name: str
    left: str
    width: str
    point: str
    said: str
    is_clear: bool


@dataclass(frozen=True)
class Drawn:
    """Places are percentages of the width, as CSS reads them in every language."""

    bars: Sequence[Bar]
    zero: str  # where the line stands
    ticks: Sequence[tuple[str, str]]  # where, and the value there


def signed(value: float) -> str:
    """0.0123 -> +0.012, -0.02 -> −0.020."""
    return str(number_format(f"{value:+.3f}".replace("-", "−"))) if value else "0"


def as_share(value: float) -> str:
    """0.625 -> 63 %."""
    return f"{number_format(f'{100 * value:.0f}')} %"


def drawn(
    intervals: Sequence[tuple[str, float, float, float]],
    *,
    zero: float = 0.0,
    say: Callable[[float], str] = signed,
) -> Drawn | None:
    """(name, mean, low, high) of each; None where there is nothing to draw."""
    if not intervals:
        return None
    ends = [end for _, _, low, high in intervals for end in (low, high)]
    low, high = min(zero, *ends), max(zero, *ends)
    room = (high - low) * ROOM or 0.01
    low, high = low - room, high + room

    def place(value: float) -> str:
        return f"{(value - low) / (high - low) * 100:.2f}"

    bars = [
        Bar(
            name=name,
            left=place(least),
            width=f"{(most - least) / (high - low) * 100:.2f}",
            point=place(mean),
            said=f"{say(mean)} ({say(least)} … {say(most)})",
            is_clear=least > zero or most < zero,
        )
        for name, mean, least, most in intervals
    ]
    return Drawn(bars, place(zero), [(place(value), say(value)) for value in _round(low, high)])


def _round(low: float, high: float) -> list[float]:
    """About four round numbers between two ends."""
    rough = (high - low) / 4
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
