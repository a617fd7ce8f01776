"""Expected orders and value to come: BG/NBD and Gamma-Gamma, by maximum likelihood.

Fader, Hardie, Lee 2005, "Counting your customers the easy way"; Fader, Hardie 2013, "The
Gamma-Gamma model of monetary value". Gradients are analytic; equal rows are fitted once, with
their number as weight.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, hyp2f1

from crm.ml.estimator import State

DRAWS = 200  # simulated futures per customer behind an interval
AT_ONCE = 20_000  # customers simulated together


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
    format: ClassVar[int] = 1

    def __init__(self, *, ridge: float = 0.0) -> None:
        self.ridge = ridge

    def fit(self, summary: Summary) -> Self:
        """Raises NoPurchases where nobody bought twice."""
        if not (summary.frequency > 0).any():
            raise NoPurchases("nobody bought a second time")
        self.purchases_, self.log_likelihood_ = _fit_purchases(summary, self.ridge)
        self.money_, self.money_log_likelihood_ = np.zeros(3), np.array(0.0)
        self.mean_money_ = np.array(0.0)
        if summary.money is not None and (summary.money > 0).any():
            self.money_, self.money_log_likelihood_ = _fit_money(summary, self.ridge)
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
        """Expectation within the horizon, and the middle 90 % of simulated values."""
        purchases = self.expected_purchases(summary, horizon=horizon)
        lower, upper = np.zeros(len(purchases)), np.zeros(len(purchases))
        for start in range(0, len(purchases), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            lower[part], upper[part] = self._interval(_part(summary, part), horizon, rng)
        value = purchases * self.expected_money(summary)
        return Forecast(self.p_alive(summary), purchases, value, lower, upper)

    def state(self) -> State:
        arrays = {name: np.asarray(x) for name, x in vars(self).items() if name.endswith("_")}
        return State(arrays, {"ridge": self.ridge})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        for name, array in state.arrays.items():
            setattr(self, name, array)
        return self

    def _interval(
        self, summary: Summary, horizon: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        r, alpha, a, b = self.purchases_
        x, size = summary.frequency[:, None], (len(summary.frequency), DRAWS)
        rate = rng.gamma(np.broadcast_to(r + x, size)) / (alpha + summary.age[:, None])
        wanted = rng.poisson(rate * horizon)
        leaving = np.clip(rng.beta(a, np.broadcast_to(b + x, size)), 1e-9, 1.0)
        made = np.minimum(wanted, rng.geometric(leaving))
        made = made * (rng.random(size) < self.p_alive(summary)[:, None])
        values = made * self._drawn_money(summary, rng, size)
        low, high = np.quantile(values, [0.05, 0.95], axis=1)
        return low, high

    def _drawn_money(
        self, summary: Summary, rng: np.random.Generator, size: tuple[int, int]
    ) -> np.ndarray:
        p, q, v = self.money_
        if summary.money is None or p == 0:
            return np.zeros(size)
        x, money = summary.frequency[:, None], summary.money[:, None]
        rate = rng.gamma(np.broadcast_to(p * x + q, size)) / (v + x * money)
        return np.asarray(np.minimum(p / np.maximum(rate, 1e-12), 100.0 * self.mean_money_))


def _fit_purchases(summary: Summary, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    rows = np.stack([summary.frequency, summary.recency, summary.age]).astype(float)
    rows, weights = np.unique(rows[:, summary.age >= 0], axis=1, return_counts=True)
    unit = max(rows[2].mean(), 1e-9)  # ages near one make the search well conditioned
    x, recency, age = rows[0], rows[1] / unit, rows[2] / unit

    def loss(log_parameters: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = np.exp(log_parameters)
        value, gradient = _purchases_likelihood(parameters, x, recency, age, weights)
        return _penalised(value, gradient * parameters, log_parameters, weights, ridge)

    best = _search(loss, np.log([1.0, 1.0, 1.0, 2.0]))
    parameters = np.exp(best)
    parameters[1] *= unit
    likelihood, _ = _purchases_likelihood(parameters, rows[0], rows[1], rows[2], weights)
    return parameters, np.array(likelihood)


def _purchases_likelihood(
    parameters: np.ndarray,
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
    weights: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Log-likelihood of BG/NBD and its gradient by (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    came = x > 0
    back = b + np.maximum(x, 1.0) - 1.0
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    common += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    log_stayed, log_left = np.log(alpha + age), np.log(alpha + recency)
    stayed = -(r + x) * log_stayed
    left = np.where(came, np.log(a) - np.log(back) - (r + x) * log_left, -np.inf)
    either = np.logaddexp(stayed, left)
    s, g = np.exp(stayed - either), np.exp(left - either)
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - s * log_stayed - g * log_left
    by_alpha = r / alpha - (r + x) * (s / (alpha + age) + g / (alpha + recency))
    both = digamma(a + b) - digamma(a + b + x)
    by_a = both + g / a
    by_b = both + digamma(b + x) - digamma(b) - g / back
    gradient = np.array([weights @ one for one in (by_r, by_alpha, by_a, by_b)])
    return float(weights @ (common + either)), gradient


def _fit_money(summary: Summary, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    assert summary.money is not None
    known = (summary.frequency > 0) & (summary.money > 0)
    rows = np.stack([summary.frequency[known], summary.money[known]]).astype(float)
    rows, weights = np.unique(rows, axis=1, return_counts=True)
    unit = rows[1].mean()
    x, money = rows[0], rows[1] / unit

    def loss(log_parameters: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = np.exp(log_parameters)
        value, gradient = _money_likelihood(parameters, x, money, weights)
        return _penalised(value, gradient * parameters, log_parameters, weights, ridge)

    parameters = np.exp(_search(loss, np.log([2.0, 3.0, 1.0])))
    parameters[2] *= unit
    likelihood, _ = _money_likelihood(parameters, rows[0], rows[1], weights)
    return parameters, np.array(likelihood)


def _money_likelihood(
    parameters: np.ndarray, x: np.ndarray, money: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log-likelihood of Gamma-Gamma and its gradient by (p, q, v)."""
    p, q, v = parameters
    px = p * x
    log_total = np.log(v + x * money)
    value = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(v)
    value += (px - 1.0) * np.log(money) + px * np.log(x) - (px + q) * log_total
    by_p = x * (digamma(px + q) - digamma(px) + np.log(money) + np.log(x) - log_total)
    by_q = digamma(px + q) - digamma(q) + np.log(v) - log_total
    by_v = q / v - (px + q) / (v + x * money)
    return float(weights @ value), np.array([weights @ one for one in (by_p, by_q, by_v)])


def _penalised(
    value: float, gradient: np.ndarray, at: np.ndarray, weights: np.ndarray, ridge: float
) -> tuple[float, np.ndarray]:
    total = weights.sum()
    return -value / total + ridge * float(at @ at), -gradient / total + 2.0 * ridge * at


def _search(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray
) -> np.ndarray:
    bounds = [(-12.0, 12.0)] * len(start)  # degenerate data (all alike) would run away
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-10}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x)


def _gone(summary: Summary, r: float, alpha: float) -> np.ndarray:
    ratio = (alpha + summary.age) / (alpha + summary.recency)
    return np.asarray(ratio ** (r + summary.frequency))


def _part(summary: Summary, part: slice) -> Summary:
    money = None if summary.money is None else summary.money[part]
    return Summary(summary.frequency[part], summary.recency[part], summary.age[part], money)
