"""Expected orders and value to come: BG/NBD and Gamma-Gamma, by maximum likelihood.

Fader, Hardie, Lee 2005, "Counting your customers the easy way"; Fader, Hardie 2013, "The
Gamma-Gamma model of monetary value".
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import hyp2f1

from crm.ml.estimator import State, restored
from crm.ml.likelihoods import fit_money, fit_purchases

DRAWS = 200  # simulated futures per customer behind an interval
AT_ONCE = 20_000  # customers simulated together
MISS = 0.1  # of the futures that an interval leaves out, where no earlier moment says otherwise
CENT = 0.005


@dataclass(frozen=True)
class Summary:
    """Per customer, all (customers,): repeat purchases, age at the last one, age (one time unit).

    money: mean value of a repeat purchase, 0 where there is none; or None.
    """

    frequency: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    money: np.ndarray | None = None


@dataclass(frozen=True)
class Forecast:
    """Per customer, all (customers,)."""

    p_alive: np.ndarray
    purchases: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


class NoPurchases(Exception):
    """Nobody ever bought a second time: there is nothing to fit."""


def summarise(
    customers: np.ndarray, days: np.ndarray, amounts: np.ndarray, *, today: int, count: int
) -> Summary:
    """Fold purchases, all (orders,), none after today, into a summary in days.

    Negative amounts (refunds) are no purchases. A customer without any has age -1.
    """
    bought = amounts >= 0
    key = customers[bought].astype(np.int64) * (today + 1) + days[bought]
    pairs, place = np.unique(key, return_inverse=True)
    money = np.bincount(place, weights=amounts[bought], minlength=len(pairs))
    who, when = pairs // (today + 1), pairs % (today + 1)
    first = np.full(count, today + 1, dtype=np.int64)
    last = np.full(count, today + 1, dtype=np.int64)
    first[who[::-1]] = when[::-1]
    last[who] = when
    frequency = np.maximum(np.bincount(who, minlength=count) - 1, 0)
    is_repeat = when > first[who]
    total = np.bincount(who[is_repeat], weights=money[is_repeat], minlength=count)
    mean = np.divide(total, frequency, out=np.zeros(count), where=frequency > 0)
    return Summary(frequency, last - first, today - first, mean)


class Lifetime:
    """Purchases by BG/NBD (r, alpha, a, b), money by Gamma-Gamma (p, q, v)."""

    name: ClassVar[str] = "lifetime"
    format: ClassVar[int] = 2

    def __init__(self, *, ridge: float = 0.0) -> None:
        self.ridge = ridge

    def fit(self, summary: Summary) -> Self:
        """Raises NoPurchases where nobody bought twice."""
        if not (summary.frequency > 0).any():
            raise NoPurchases("nobody bought a second time")
        self.purchases_, self.log_likelihood_ = fit_purchases(
            summary.frequency, summary.recency, summary.age, ridge=self.ridge
        )
        self.money_, self.money_log_likelihood_ = np.zeros(3), np.array(0.0)
        self.mean_money_ = np.array(0.0)
        self.miss_ = np.array(MISS)
        if summary.money is not None and (summary.money > 0).any():
            self.money_, self.money_log_likelihood_ = fit_money(
                summary.frequency, summary.money, ridge=self.ridge
            )
            self.mean_money_ = np.array(summary.money[summary.money > 0].mean())
        return self

    def p_alive(self, summary: Summary) -> np.ndarray:
        """(customers,) the chance that a customer will ever buy again."""
        r, alpha, a, b = self.purchases_
        x = summary.frequency
        odds = a / (b + np.maximum(x, 1) - 1.0) * _gone(summary, r, alpha)
        return np.where(x > 0, 1.0 / (1.0 + odds), 1.0)

    def expected_purchases(self, summary: Summary, *, horizon: float) -> np.ndarray:
        """(customers,) purchases within the horizon, in the time unit of the summary."""
        r, alpha, a, b = self.purchases_
        x, age = summary.frequency, summary.age
        a = a if abs(a - 1.0) > 1e-6 else 1.0 + 1e-6
        reach = alpha + age
        with np.errstate(all="ignore"):
            series = hyp2f1(r + x, b + x, a + b + x - 1.0, horizon / (reach + horizon))
            left = 1.0 - (reach / (reach + horizon)) ** (r + x) * series
            expected = (a + b + x - 1.0) / (a - 1.0) * left
        # Where nobody ever leaves or all are alike the series overflows; the rate is its limit.
        staying = (r + x) / reach * horizon
        expected = np.where(np.isfinite(expected), np.clip(expected, 0.0, staying), staying)
        return np.asarray(expected * self.p_alive(summary))

    def expected_money(self, summary: Summary) -> np.ndarray:
        """(customers,) mean value of a purchase to come; zero where no money was fitted."""
        p, q, v = self.money_
        if summary.money is None or p == 0:
            return np.zeros(len(summary.frequency))
        x, money = summary.frequency, summary.money
        below = p * x + q - 1.0
        known = np.divide(p * (v + x * money), below, out=np.zeros(len(x)), where=below > 0)
        return np.where((x > 0) & (below > 0), known, self.mean_money_)

    def forecast(self, summary: Summary, *, horizon: float, rng: np.random.Generator) -> Forecast:
        """Expectation within the horizon, and the middle of simulated values (90 %, calibrated)."""
        purchases = self.expected_purchases(summary, horizon=horizon)
        lower, upper = np.zeros(len(purchases)), np.zeros(len(purchases))
        for start in range(0, len(purchases), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            lower[part], upper[part] = self._interval(_part(summary, part), horizon, rng)
        value = purchases * self.expected_money(summary)
        return Forecast(self.p_alive(summary), purchases, value, lower, upper)

    def calibrate(
        self,
        early: "Lifetime",
        before: Summary,
        spent: np.ndarray,
        *,
        horizon: float,
        cover: float,
        rng: np.random.Generator,
    ) -> Self:
        """Choose how much of the simulated futures to cut off, from an earlier moment.

        A customer's outcome lies in the middle 1 - s of what `early` simulated for them, and in
        no smaller middle; `cover` of all lie in the middle that leaves the lowest s outside.
        Intervals only ever grow by this: one calm season does not promise another.
        """
        some = rng.permutation(len(spent))[:AT_ONCE]
        simulated = early._simulated(_part(before, some), horizon, rng)
        outcome = spent[some, None]
        above = (simulated >= outcome - CENT).mean(axis=1)
        below = (simulated <= outcome + CENT).mean(axis=1)
        tight = np.minimum(2.0 * np.minimum(above, below), 1.0)
        self.miss_ = np.array(np.clip(np.quantile(tight, 1.0 - cover), 2.0 / DRAWS, MISS))
        return self

    def state(self) -> State:
        arrays = {name: np.asarray(x) for name, x in vars(self).items() if name.endswith("_")}
        return State(arrays, {"ridge": self.ridge})

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)

    def _interval(
        self, summary: Summary, horizon: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        values = self._simulated(summary, horizon, rng)
        outside = float(self.miss_) / 2.0
        low, high = np.quantile(values, [outside, 1.0 - outside], axis=1)
        return low, high

    def _simulated(self, summary: Summary, horizon: float, rng: np.random.Generator) -> np.ndarray:
        """(customers, DRAWS) money within the horizon in as many futures."""
        r, alpha, a, b = self.purchases_
        x, size = summary.frequency[:, None], (len(summary.frequency), DRAWS)
        rate = rng.gamma(np.broadcast_to(r + x, size)) / (alpha + summary.age[:, None])
        wanted = rng.poisson(rate * horizon)
        leaving = np.clip(rng.beta(a, np.broadcast_to(b + x, size)), 1e-9, 1.0)
        made = np.minimum(wanted, rng.geometric(leaving))
        made = made * (rng.random(size) < self.p_alive(summary)[:, None])
        return np.asarray(made * self._drawn_money(summary, rng, size))

    def _drawn_money(
        self, summary: Summary, rng: np.random.Generator, size: tuple[int, int]
    ) -> np.ndarray:
        p, q, v = self.money_
        if summary.money is None or p == 0:
            return np.zeros(size)
        x, money = summary.frequency[:, None], summary.money[:, None]
        rate = rng.gamma(np.broadcast_to(p * x + q, size)) / (v + x * money)
        return np.asarray(np.minimum(p / np.maximum(rate, 1e-12), 100.0 * self.mean_money_))


def _gone(summary: Summary, r: float, alpha: float) -> np.ndarray:
    ratio = (alpha + summary.age) / (alpha + summary.recency)
    return np.asarray(ratio ** (r + summary.frequency))


def _part(summary: Summary, part: slice | np.ndarray) -> Summary:
    money = None if summary.money is None else summary.money[part]
    return Summary(summary.frequency[part], summary.recency[part], summary.age[part], money)
