"""When a customer orders next, if they do: their own pauses, leaning on everybody's.

The logarithm of a pause lies around a customer's own mean, and the means lie around that of
everybody (one-way random effects; Searle, Casella, McCulloch 1992, ch. 3). Few pauses lean on
everybody, many speak for themselves. Its tails are those of Student's t: the holiday happens.
Silence since the last order is known, so only the part of the distribution beyond it counts,
and only orders within a horizon are foretold. Levels are recalibrated on later time (Kuleshov,
Fenner, Ermon 2018).
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import stdtr, stdtrit

from crm.ml.estimator import State, restored

LEVELS = (0.05, 0.5, 0.95)
GRID = np.linspace(0.0, 1.0, 101)
SURE = 1e-9  # of a distribution: less than so much cannot be told from nothing
TAILS = 4.0  # degrees of freedom
NARROWER = np.sqrt((TAILS - 2.0) / TAILS)  # scale of a t with deviation one
FEWEST = 50  # later orders, before levels are recalibrated


@dataclass(frozen=True)
class Pauses:
    """Per customer, all (customers,): number of pauses between purchase days, sum and sum of
    squares of their logarithms, and days of silence since the last purchase."""

    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    silence: np.ndarray


@dataclass(frozen=True)
class Expected:
    """Days from today until the next order, all (customers,): the middle, and nine of ten."""

    days: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray


class NoPauses(Exception):
    """Nobody came back often enough to have a rhythm."""


def pauses(customers: np.ndarray, days: np.ndarray, *, today: int, count: int) -> Pauses:
    """Fold purchases, all (purchases,), none after today. Silence of who never bought is -1."""
    key = np.unique(customers.astype(np.int64) * (today + 1) + days)
    who, when = key // (today + 1), key % (today + 1)
    same = who[1:] == who[:-1]
    logs = np.log(np.diff(when)[same].astype(float))
    whose = who[1:][same]
    last = np.full(count, today + 1, dtype=np.int64)
    last[who] = when
    return Pauses(
        count=np.bincount(whose, minlength=count),
        total=np.bincount(whose, weights=logs, minlength=count),
        squares=np.bincount(whose, weights=logs**2, minlength=count),
        silence=today - last,
    )


class NextOrder:
    """With `personal` off everybody has the pauses of all: the baseline."""

    name: ClassVar[str] = "next_order"
    format: ClassVar[int] = 1
    rhythm_: np.ndarray  # mean of all, variance between customers, variance within one
    levels_: np.ndarray  # (101,) the level to ask for, by the level that is wanted

    def __init__(self, *, personal: bool = True) -> None:
        self.personal = personal

    def fit(self, seen: Pauses) -> Self:
        """Raises NoPauses where fewer than two customers have a pause, or no pause varies."""
        known = seen.count > 0
        n, total = seen.count[known].astype(float), seen.total[known]
        if known.sum() < 2 or n.sum() <= known.sum():
            raise NoPauses("hardly anybody ordered three times")
        mean, means = total.sum() / n.sum(), total / n
        inside = (seen.squares[known] - n * means**2).sum() / (n.sum() - len(n))
        spread = (n * (means - mean) ** 2).sum() - (len(n) - 1) * inside
        between = spread / (n.sum() - (n**2).sum() / n.sum())
        between, inside = max(between, 0.0), max(inside, 1e-4)
        # Customers count, not pauses: who orders every day has ten times as many.
        weights = 1.0 / (between + inside / n)
        self.rhythm_ = np.array([weights @ means / weights.sum(), between, inside])
        self.levels_ = GRID
        return self

    def recalibrate(self, seen: Pauses, days: np.ndarray, *, within: float) -> Self:
        """Learn the levels from what came: days until the order that followed, within so many."""
        if len(days) >= FEWEST:
            reached = self.level(seen, days, within=within)
            self.levels_ = np.quantile(reached, GRID)
            self.levels_[[0, -1]] = 0.0, 1.0
        return self

    def usual(self, seen: Pauses) -> np.ndarray:
        """(customers,) the pause in days that is as often shorter as longer."""
        return np.asarray(np.exp(self._middle(seen)[0]))

    def forecast(self, seen: Pauses, *, within: float) -> Expected:
        """When, of those who order within so many days from today."""
        asked = np.interp(LEVELS, GRID, self.levels_)
        low, middle, high = (self._days(seen, level, within) for level in asked)
        return Expected(middle, low, high)

    def level(self, seen: Pauses, days: np.ndarray, *, within: float) -> np.ndarray:
        """(customers,) the share of the distribution that had passed when the order came."""
        before, whole = self._passed(seen, 0.0), self._passed(seen, within)
        room = np.maximum(whole - before, SURE)
        return np.asarray(np.clip((self._passed(seen, days) - before) / room, 0.0, 1.0))

    def state(self) -> State:
        arrays = {"rhythm_": self.rhythm_, "levels_": self.levels_}
        return State(arrays, {"personal": self.personal})

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)

    def _middle(self, seen: Pauses) -> tuple[np.ndarray, np.ndarray]:
        """(customers,) each: mean and deviation of the logarithm of the next pause."""
        mean, between, inside = self.rhythm_
        if not self.personal or between <= 0:
            alike = np.full(len(seen.count), mean)
            return alike, np.full(len(seen.count), np.sqrt(between + inside))
        weight = seen.count / inside + 1.0 / between
        own = (seen.total / inside + mean / between) / weight
        return own, np.sqrt(inside + 1.0 / weight)

    def _passed(self, seen: Pauses, days: np.ndarray | float) -> np.ndarray:
        """The share of pauses that are over so many days from today."""
        middle, spread = self._middle(seen)
        reach = np.maximum(seen.silence + days, 0.0)
        with np.errstate(divide="ignore"):
            return np.asarray(stdtr(TAILS, (np.log(reach) - middle) / (spread * NARROWER)))

    def _days(self, seen: Pauses, level: float, within: float) -> np.ndarray:
        middle, spread = self._middle(seen)
        before, whole = self._passed(seen, 0.0), self._passed(seen, within)
        place = before + level * (whole - before)
        days = np.exp(middle + spread * NARROWER * stdtrit(TAILS, place)) - seen.silence
        # Silent far beyond any pause, nothing is left to measure by: evenly over the horizon.
        days = np.where(whole - before > SURE, days, level * within)
        return np.asarray(np.clip(days, 0.0, within))
