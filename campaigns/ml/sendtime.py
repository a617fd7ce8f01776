"""When to write to whom: how the hour moves the chance of an open, person by person.

A person's few sends say little about 24 hours, let alone 168. So the curve of everybody is learned
first, then how each segment departs from it, then how each person does, every step drawn towards
the one before (empirical Bayes). Curves are sums of waves around the clock. How far people differ
in their level, how far in their curves, and how sharp those are is what makes all the sends
together likeliest; it decides how much a person's own sends count. Where people do not differ,
they count for nothing.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from crm.ml.estimator import State

DAY, WEEK = 24, 168
SIZES = np.geomspace(3e-4, 1.0, 12)  # of the variance between groups, in that of an open
SOME = 2_000  # curves that the variances are learned from
AT_ONCE = 2_000  # curves solved together
LEAST = 1e-10


@dataclass(frozen=True)
class Sends:
    """user: (sends,) numbers from 0; hour: (sends,); opened: (sends,) 0 or 1; segment: (users,)."""

    user: np.ndarray
    hour: np.ndarray
    opened: np.ndarray
    segment: np.ndarray
    hours: int = DAY

    @property
    def users(self) -> int:
        return len(self.segment)


class SendTime:
    """`fit` takes Sends; `rates` gives the chance of an open by user and hour."""

    name: ClassVar[str] = "send_time"
    format: ClassVar[int] = 1

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, sends: Sends) -> Self:
        self.hours_ = np.array(sends.hours)
        waves, length = basis(sends.hours)
        self.level_ = np.array(sends.opened.mean())
        noise = _noise(sends)
        own = _residual_of_users(sends)  # who opens much is no proof of a good hour
        everybody = np.zeros(len(sends.user), dtype=int)
        curve = self._curves(everybody, 1, sends, own, (waves, length), noise)[0]
        self.curve_ = curve - curve.mean()
        self.sent_ = np.bincount(sends.hour, minlength=sends.hours).astype(float)
        left = own - self.curve_[sends.hour]
        count = int(sends.segment.max(initial=-1)) + 1
        of_send = sends.segment[sends.user]
        self.segments_ = self._curves(of_send, count, sends, left, (waves, length), noise)
        self.segments_ -= self.segments_.mean(axis=1, keepdims=True)
        self.segment_ = sends.segment
        left = sends.opened - self.level_ - self.curve_[sends.hour]
        left = left - self.segments_[of_send, sends.hour]
        self.users_ = self._curves(sends.user, sends.users, sends, left, (waves, length), noise)
        return self

    def rates(self) -> np.ndarray:
        """(users, hours) chances of an open."""
        shared = self.level_ + self.curve_ + self.segments_[self.segment_]
        return np.clip(shared + self.users_, 0.0, 1.0)

    def best(self, allowed: np.ndarray) -> np.ndarray:
        """(users,) the best hour allowed; of equal ones that which was sent at most.

        allowed: (users, hours) booleans, at least one in every row.
        """
        gain = self.curve_ + self.segments_[self.segment_] + self.users_
        ranked = np.lexsort((np.arange(len(self.sent_)), -self.sent_))
        by_custom = np.where(allowed, gain, -np.inf)[:, ranked]
        return np.asarray(ranked[np.argmax(np.round(by_custom, 9), axis=1)])

    def stranger(self, allowed: np.ndarray) -> int:
        """The best hour for somebody of whom nothing is known. allowed: (hours,)."""
        ranked = np.lexsort((-self.sent_, -np.round(np.where(allowed, self.curve_, -np.inf), 9)))
        return int(ranked[0])

    def state(self) -> State:
        names = ("hours_", "level_", "curve_", "sent_", "segments_", "segment_", "users_")
        return State({name: getattr(self, name) for name in names}, {"seed": self.seed})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        for name, array in state.arrays.items():
            setattr(self, name, array)
        return self

    def _curves(
        self,
        group: np.ndarray,
        groups: int,
        sends: Sends,
        left: np.ndarray,
        waves: tuple[np.ndarray, np.ndarray],
        noise: float,
    ) -> np.ndarray:
        """(groups, hours) expected departures of each group, given what is left to explain."""
        cell = group * sends.hours + sends.hour
        count, total = (
            np.bincount(cell, weights=each, minlength=groups * sends.hours).reshape(groups, -1)
            for each in (np.ones(len(left)), left)
        )
        drawn = np.random.default_rng(self.seed).permutation(groups)[:SOME]
        spread = _spread(count[drawn], total[drawn], *waves, noise)
        found = np.zeros((groups, sends.hours))
        for start in range(0, groups, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            weights = _weights(count[part], total[part], waves[0], spread, noise)
            found[part] = weights @ waves[0].T
        return found


def basis(hours: int) -> tuple[np.ndarray, np.ndarray]:
    """(hours, waves) orthonormal waves, and (waves,) how often each goes round.

    Of a day all; of a week those that repeat by day, those over the week, and their products.
    """
    turn = 2.0 * np.pi * np.arange(hours) / hours
    times = list(range(1, hours // 2 + 1))
    if hours == WEEK:
        times = sorted({1, 2, 3} | {7 * n + m for n in range(1, 7) for m in (-1, 0, 1)})
    columns, length = [np.ones(hours) / np.sqrt(hours)], [0]
    for time in times:
        for wave in (np.cos(time * turn), np.sin(time * turn)):
            norm = float(np.sqrt(wave @ wave))
            if norm > 1e-6:
                columns.append(wave / norm)
                length.append(time)
    return np.stack(columns, axis=1), np.array(length)


def hour_p(sends: Sends, *, rng: np.random.Generator, times: int = 199) -> float:
    """The chance of opens that hang on the hour so much, did they not hang on it at all.

    Each person's opens are shuffled over the hours of their own sends, so that neither who opens
    much nor when whom was written to can pass for an effect. Two things are looked at, the hours
    of everybody and each person's own; the smaller chance is judged by what shuffling makes of
    the smaller (Westfall, Young 1993), which keeps the error exactly.
    """
    order = np.argsort(sends.user, kind="stable")
    own = _residual_of_users(sends)[order]
    user, hour = sends.user[order], sends.hour[order]
    seen = np.empty((times + 1, 2))
    seen[0] = _spreads(user, hour, own, sends)
    for time in range(1, times + 1):
        shuffled = own[np.argsort(user + rng.random(len(user)))]  # within each person
        seen[time] = _spreads(user, hour, shuffled, sends)
    chance = (seen[None] >= seen[:, None] - 1e-12).sum(axis=1) / (times + 1)
    smaller = chance.min(axis=1)
    return float((smaller <= smaller[0] + 1e-12).sum() / (times + 1))


def _spreads(
    user: np.ndarray, hour: np.ndarray, own: np.ndarray, sends: Sends
) -> tuple[float, float]:
    """How far hours lie apart for everybody, and for each person with the hours beside."""
    total = np.bincount(hour, weights=own, minlength=sends.hours)
    count = np.maximum(np.bincount(hour, minlength=sends.hours), 1)
    cell = np.bincount(user * DAY + hour % DAY, weights=own, minlength=sends.users * DAY)
    each = cell.reshape(-1, DAY)
    around = each + 0.5 * (np.roll(each, 1, axis=1) + np.roll(each, -1, axis=1))
    return float((total**2 / count).sum()), float((around**2).sum())


def _residual_of_users(sends: Sends) -> np.ndarray:
    """(sends,) opened less the person's own share."""
    count = np.bincount(sends.user, minlength=sends.users)
    total = np.bincount(sends.user, weights=sends.opened, minlength=sends.users)
    return np.asarray(sends.opened - (total / np.maximum(count, 1))[sends.user])


def _noise(sends: Sends) -> float:
    """The variance of an open within a person."""
    own = _residual_of_users(sends)
    freedom = max(len(own) - len(np.unique(sends.user)), 1)
    return max(float(own @ own) / freedom, LEAST)


def _spread(
    count: np.ndarray, total: np.ndarray, waves: np.ndarray, length: np.ndarray, noise: float
) -> np.ndarray:
    """(waves,) the variance of each wave between groups under which the sends are likeliest."""
    inner, seen = _products(count, total, waves, noise)

    def likeliest(candidates: list[np.ndarray]) -> np.ndarray:
        gains = [_log_likelihood(inner, seen, spread) for spread in candidates]
        return candidates[int(np.argmax(gains))]

    sizes = noise * len(count[0]) * np.append(0.0, SIZES)
    level = likeliest([np.where(length == 0, size, 0.0) for size in sizes])
    shapes = [np.exp(-0.5 * (length / reach) ** 2) * (length > 0) for reach in _reaches(waves)]
    return likeliest([level + size * shape / shape.sum() for size in sizes for shape in shapes])


def _reaches(waves: np.ndarray) -> np.ndarray:
    """Up to which length waves count: a hill over half of the day, or a peak of one hour."""
    return np.array([0.7, 1.5, 3.0, 6.0, 100.0]) * len(waves) / DAY


def _products(
    count: np.ndarray, total: np.ndarray, waves: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """(groups, waves, waves) and (groups, waves): what the sends say of the waves' weights."""
    pairs = (waves[:, :, None] * waves[:, None, :]).reshape(len(waves), -1)
    inner = (count @ pairs).reshape(len(count), waves.shape[1], -1) / noise
    return inner, total @ waves / noise


def _log_likelihood(inner: np.ndarray, seen: np.ndarray, spread: np.ndarray) -> float:
    """Of these variances, over that of no waves at all."""
    used = spread > 0
    if not used.any():
        return 0.0
    root = np.sqrt(spread[used])
    scaled = inner[:, used][:, :, used] * root[:, None] * root + np.eye(int(used.sum()))
    lower = np.linalg.cholesky(scaled)
    known = np.linalg.solve(lower, (seen[:, used] * root)[..., None])[..., 0]
    half = np.log(np.einsum("gaa->ga", lower)).sum()
    return float(0.5 * (known**2).sum() - half)


def _weights(
    count: np.ndarray, total: np.ndarray, waves: np.ndarray, spread: np.ndarray, noise: float
) -> np.ndarray:
    """(groups, waves) expected weights."""
    found = np.zeros((len(count), waves.shape[1]))
    used = spread > 0
    if used.any():
        inner, seen = _products(count, total, waves[:, used], noise)
        inner += np.diag(1.0 / spread[used])
        found[:, used] = np.linalg.solve(inner, seen[..., None])[..., 0]
    return found
