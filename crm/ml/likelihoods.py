"""Maximum likelihood of BG/NBD and Gamma-Gamma, quick enough for a million customers.

Gradients are analytic. Equal rows are counted once, whatever depends on the number of purchases
alone is computed once a number, and the search begins where a thinned table led it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

MANY, FEW = 60_000, 20_000  # above so many distinct rows, so many of them find where to begin

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


def fit_purchases(
    frequency: np.ndarray, recency: np.ndarray, age: np.ndarray, *, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """(r, alpha, a, b) of BG/NBD and their log-likelihood. Negative ages are left out."""
    rows = repeats(frequency, recency, age)
    ages = np.asarray(age, dtype=float)
    unit = max(ages[ages >= 0].mean(), 1e-9)  # ages near one make the search well conditioned
    scaled = rows.scaled(unit)

    def loss_of(part: Repeats) -> Loss:
        def loss(log_parameters: np.ndarray) -> tuple[float, np.ndarray]:
            parameters = np.exp(log_parameters)
            value, gradient = purchases_likelihood(parameters, part)
            return _penalised(
                value, gradient * parameters, log_parameters, total=part.total, ridge=ridge
            )

        return loss

    start = np.log([1.0, 1.0, 1.0, 2.0])
    if len(rows.weights) > MANY:
        start = _nearer(loss_of(scaled.thinned(len(rows.weights) // FEW)), start)
    parameters = np.exp(_search(loss_of(scaled), start))
    parameters[1] *= unit
    likelihood, _ = purchases_likelihood(parameters, rows)
    return parameters, np.array(likelihood)


def fit_money(
    frequency: np.ndarray, mean_money: np.ndarray, *, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """(p, q, v) of Gamma-Gamma and their log-likelihood, of those whose money is known."""
    known = (frequency > 0) & (mean_money > 0)
    x = np.asarray(frequency, dtype=float)[known]
    money = np.asarray(mean_money, dtype=float)[known]
    unit = money.mean()

    def loss_of(step: int) -> Loss:
        rows = spenders(x[::step], money[::step] / unit)

        def loss(log_parameters: np.ndarray) -> tuple[float, np.ndarray]:
            parameters = np.exp(log_parameters)
            value, gradient = money_likelihood(parameters, rows)
            return _penalised(
                value, gradient * parameters, log_parameters, total=len(rows.spent), ridge=ridge
            )

        return loss

    start = np.log([2.0, 3.0, 1.0])
    if len(x) > MANY:
        start = _nearer(loss_of(len(x) // FEW), start)
    parameters = np.exp(_search(loss_of(1), start))
    parameters[2] *= unit
    likelihood, _ = money_likelihood(parameters, spenders(x, money))
    return parameters, np.array(likelihood)


@dataclass(frozen=True)
class Repeats:
    """Rows of the likelihood of purchases, equal ones counted once.

    Whatever depends on the number of purchases alone is kept by number: `counts` (numbers,)
    and how many customers have each; the rest (rows,) is of those who came back, and of those
    who did not only the ages matter.
    """

    counts: np.ndarray
    customers: np.ndarray
    place: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    weights: np.ndarray
    once_age: np.ndarray
    once_weights: np.ndarray

    @property
    def total(self) -> float:
        return float(self.weights.sum() + self.once_weights.sum())

    def scaled(self, unit: float) -> "Repeats":
        return replace(
            self, recency=self.recency / unit, age=self.age / unit, once_age=self.once_age / unit
        )

    def thinned(self, step: int) -> "Repeats":
        """Every so-manieth row: enough to start the search from."""
        part = slice(None, None, step)
        weights = self.weights[part]
        customers = np.bincount(self.place[part], weights=weights, minlength=len(self.counts))
        return replace(
            self,
            customers=customers,
            place=self.place[part],
            recency=self.recency[part],
            age=self.age[part],
            weights=weights,
            once_weights=self.once_weights * weights.sum() / max(self.weights.sum(), 1e-9),
        )


def repeats(frequency: np.ndarray, recency: np.ndarray, age: np.ndarray) -> Repeats:
    """The rows of the likelihood of purchases."""
    seen = age >= 0
    came = seen & (frequency > 0)
    once = np.asarray(age, dtype=float)[seen & ~came]
    columns = (np.asarray(column, dtype=float)[came] for column in (frequency, recency, age))
    (x, recency, age), weights = _distinct(*columns)
    counts, place = np.unique(x, return_inverse=True)
    once_age, once_weights = np.unique(once, return_counts=True)
    return Repeats(
        counts,
        np.bincount(place, weights=weights, minlength=len(counts)),
        place,
        recency,
        age,
        weights.astype(float),
        once_age,
        once_weights.astype(float),
    )


def _distinct(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Distinct rows of the columns, and how often each comes: one sort of whole numbers."""
    coded = [_codes(column) for column in columns]
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for values, code in coded:
        key = key * max(len(values), 1) + code
    keys, weights = np.unique(key, return_counts=True)
    found = []
    for values, _ in reversed(coded):
        keys, code = np.divmod(keys, max(len(values), 1))
        found.append(values[code])
    return found[::-1], weights


def _codes(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values and each row's place in them; whole numbers need no sort."""
    whole = column.astype(np.int64)
    if len(column) and np.array_equal(whole, column) and 0 <= whole.min() <= whole.max() < 1e5:
        return np.arange(whole.max() + 1.0), whole
    values, code = np.unique(column, return_inverse=True)
    return values, code.astype(np.int64)


def purchases_likelihood(parameters: np.ndarray, rows: Repeats) -> tuple[float, np.ndarray]:
    """Log-likelihood of BG/NBD and its gradient by (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    x, n = rows.counts, rows.customers
    everybody = rows.total
    # Per number of purchases. Who never came back adds r log alpha - r log(alpha + age) alone.
    common = gammaln(r + x) - gammaln(r) + gammaln(a + b) + gammaln(b + x) - gammaln(b)
    common -= gammaln(a + b + x)
    back = b + x - 1.0
    both = digamma(a + b) - digamma(a + b + x)
    # Per row: stayed until now, or left right after the last purchase.
    total, log_stayed = r + x[rows.place], np.log(alpha + rows.age)
    log_left = np.log(alpha + rows.recency)
    lead = np.log(a / back)[rows.place] + total * (log_stayed - log_left)
    g = expit(lead)
    left, stayed = rows.weights * g, rows.weights * (1.0 - g)
    either = np.maximum(lead, 0.0) - np.log(np.maximum(g, 1.0 - g)) - total * log_stayed
    value = r * np.log(alpha) * everybody + n @ common + rows.weights @ either
    value -= r * (rows.once_weights @ np.log(alpha + rows.once_age))
    by_r = n @ (digamma(r + x) - digamma(r)) + everybody * np.log(alpha)
    by_r -= (
        stayed @ log_stayed + left @ log_left + rows.once_weights @ np.log(alpha + rows.once_age)
    )
    by_alpha = everybody * r / alpha - r * (rows.once_weights @ (1.0 / (alpha + rows.once_age)))
    by_alpha -= (stayed * total) @ (1.0 / (alpha + rows.age))
    by_alpha -= (left * total) @ (1.0 / (alpha + rows.recency))
    left_of = np.bincount(rows.place, weights=left, minlength=len(x))
    by_a = n @ both + left.sum() / a
    by_b = n @ (both + digamma(b + x) - digamma(b)) - left_of @ (1.0 / back)
    return float(value), np.array([by_r, by_alpha, by_a, by_b])


@dataclass(frozen=True)
class Spenders:
    """Rows of the likelihood of money: what depends on the number of purchases by number."""

    counts: np.ndarray
    customers: np.ndarray
    place: np.ndarray
    spent: np.ndarray
    log_spent: np.ndarray  # (numbers,) summed over the customers of each number
    log_money: float


def spenders(x: np.ndarray, money: np.ndarray) -> Spenders:
    """The rows of the likelihood of money."""
    (counts, place), spent = _codes(x), x * money
    return Spenders(
        counts,
        np.bincount(place, minlength=len(counts)).astype(float),
        place,
        spent,
        np.bincount(place, weights=np.log(spent), minlength=len(counts)),
        float(np.log(money).sum()),
    )


def money_likelihood(parameters: np.ndarray, rows: Spenders) -> tuple[float, np.ndarray]:
    """Log-likelihood of Gamma-Gamma and its gradient by (p, q, v)."""
    p, q, v = parameters
    some = rows.customers > 0
    x, n, log_spent = rows.counts[some], rows.customers[some], rows.log_spent[some]
    px, everybody = p * x, len(rows.spent)
    total = v + rows.spent
    log_total = np.bincount(rows.place, weights=np.log(total), minlength=len(some))[some]
    inverse = np.bincount(rows.place, weights=1.0 / total, minlength=len(some))[some]
    value = n @ (gammaln(px + q) - gammaln(px)) - everybody * (gammaln(q) - q * np.log(v))
    value += px @ log_spent - rows.log_money - (px + q) @ log_total
    by_p = x @ (n * (digamma(px + q) - digamma(px)) + log_spent - log_total)
    by_q = n @ digamma(px + q) - everybody * (digamma(q) - np.log(v)) - log_total.sum()
    by_v = everybody * q / v - (px + q) @ inverse
    return float(value), np.array([by_p, by_q, by_v])


def _penalised(
    value: float, gradient: np.ndarray, at: np.ndarray, *, total: float, ridge: float
) -> tuple[float, np.ndarray]:
    return -value / total + ridge * float(at @ at), -gradient / total + 2.0 * ridge * at


def _nearer(loss: Loss, start: np.ndarray) -> np.ndarray:
    """Where a few rows lead. At the edge of what is possible all is flat: no place to begin."""
    found = _search(loss, start)
    return found if np.abs(found).max() < 6.0 else start


def _search(loss: Loss, start: np.ndarray) -> np.ndarray:
    bounds = [(-12.0, 12.0)] * len(start)  # degenerate data (all alike) would run away
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-10}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x)
