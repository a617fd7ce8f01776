"""Which channel is given the credit for what people bought: six ways to share it out.

Credit is a bookkeeping of touches that went before, not of what they caused: who would have
bought anyway is touched, too. Only a held out group tells what a channel changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

HALF_LIFE = 7.0  # days
ENDS = 0.4  # of the credit for the first touch and as much for the last; the rest between


@dataclass(frozen=True)
class Paths:
    """Touches by journey, and in each by time; only those up to the conversion.

    journey: (touches,) number of the journey, rising; channel: (touches,) number of the channel;
    age: (touches,) days before the conversion, 0 where there was none;
    converted: (journeys,) whether; revenue: (journeys,); channels: how many there are.
    """

    journey: np.ndarray
    channel: np.ndarray
    age: np.ndarray
    converted: np.ndarray
    revenue: np.ndarray
    channels: int

    @property
    def count(self) -> np.ndarray:
        """(journeys,) touches of each."""
        return np.bincount(self.journey, minlength=len(self.converted))

    @property
    def is_first(self) -> np.ndarray:
        return np.diff(self.journey, prepend=-1) != 0

    @property
    def is_last(self) -> np.ndarray:
        return np.diff(self.journey, append=-1) != 0

    @property
    def is_untouched(self) -> np.ndarray:
        """(journeys,) converted without a touch before."""
        return self.converted & (self.count == 0)


@dataclass(frozen=True)
class Credit:
    """(channels + 1,) each; the last is for conversions that no touch went before."""

    conversions: np.ndarray
    revenue: np.ndarray


def attribute(paths: Paths) -> dict[str, Credit]:
    """The credit of every channel by every model. Each model's add up to what happened."""
    found = {name: credited(paths, name) for name in RULES}
    return found | {"markov": _of_shares(paths, removal_effects(paths))}


def credited(paths: Paths, rule: str) -> Credit:
    """By one of RULES."""
    return _of_touches(paths, RULES[rule](paths))


def first(paths: Paths) -> np.ndarray:
    """(touches,) weights; what a journey has is shared out in their proportion."""
    return paths.is_first.astype(float)


def last(paths: Paths) -> np.ndarray:
    return paths.is_last.astype(float)


def linear(paths: Paths) -> np.ndarray:
    return np.ones(len(paths.journey))


def time_decay(paths: Paths) -> np.ndarray:
    """Half as much for a touch seven days before another. Counted from a journey's last one."""
    nearest = np.zeros(len(paths.converted))
    nearest[paths.journey[paths.is_last]] = paths.age[paths.is_last]
    older = paths.age - nearest[paths.journey]
    return np.asarray(0.5 ** (older / HALF_LIFE))


def position(paths: Paths) -> np.ndarray:
    """40 % for the first, 40 % for the last, the rest between; of two touches one half each."""
    between = paths.count[paths.journey] - 2
    middle = (1.0 - 2.0 * ENDS) / np.maximum(between, 1)
    return np.where(paths.is_first | paths.is_last, ENDS, middle)


RULES: Mapping[str, Callable[[Paths], np.ndarray]] = {
    "first": first,
    "last": last,
    "linear": linear,
    "time_decay": time_decay,
    "position": position,
}


def removal_effects(paths: Paths) -> np.ndarray:
    """(channels,) the share of conversions that would be lost if a channel led nowhere.

    Journeys as a Markov chain of the first order, those without a conversion too (Anderl,
    Becker, von Wangenheim, Schumann 2016). What is lost without a channel are the paths that
    come through it: the chance to come there at all, times that of a conversion from there.
    """
    starts = np.bincount(paths.channel[paths.is_first], minlength=paths.channels).astype(float)
    if not paths.channels or not starts.sum():
        return np.zeros(paths.channels)
    goes_on = ~paths.is_last
    size = paths.channels
    steps = np.zeros((size, size))
    np.add.at(steps, (paths.channel[goes_on], paths.channel[np.flatnonzero(goes_on) + 1]), 1.0)
    ends = paths.is_last & paths.converted[paths.journey]
    wins = np.bincount(paths.channel[ends], minlength=size).astype(float)
    left = np.maximum(np.bincount(paths.channel, minlength=size), 1)
    visits = np.linalg.inv(np.eye(size) - steps / left[:, None])
    comes = (starts / starts.sum()) @ visits / np.diag(visits)
    converts = visits @ (wins / left)
    whole = wins.sum() / starts.sum()
    return np.asarray(comes * converts / whole) if whole else np.zeros(size)


def _of_touches(paths: Paths, weights: np.ndarray) -> Credit:
    whole = np.bincount(paths.journey, weights=weights, minlength=len(paths.converted))
    counts = paths.converted[paths.journey]
    part = np.divide(weights, whole[paths.journey], out=np.zeros(len(weights)), where=counts)
    money = part * paths.revenue[paths.journey]
    conversions, revenue = (
        np.bincount(paths.channel, weights=each, minlength=paths.channels) for each in (part, money)
    )
    return _with_untouched(paths, conversions, revenue)


def _of_shares(paths: Paths, effects: np.ndarray) -> Credit:
    touched = paths.converted & ~paths.is_untouched
    share = effects / effects.sum() if effects.sum() else effects
    money = float(paths.revenue[touched].sum())
    return _with_untouched(paths, share * int(touched.sum()), share * money)


def _with_untouched(paths: Paths, conversions: np.ndarray, revenue: np.ndarray) -> Credit:
    missed = paths.is_untouched
    return Credit(
        np.append(conversions, float(missed.sum())),
        np.append(revenue, float(paths.revenue[missed].sum())),
    )
