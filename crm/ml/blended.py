"""Value to come by two ways at once: BG/NBD with Gamma-Gamma, and boosting on the same numbers.

The boosting learns from an earlier moment what was spent until now; how far it is trusted is
chosen by cross-fitting there, and may be not at all. Totals stay those of the first way, as
trees know nothing of growth; and the intervals of the first way are widened or narrowed until
nine of ten customers of the earlier moment lay in theirs (a conformal level).
"""

from typing import ClassVar, Self

import numpy as np
from scipy.stats import rankdata

from crm.ml.compiled import NO_TREES, Trees
from crm.ml.estimator import State
from crm.ml.flatten import regression
from crm.ml.lifetime import Forecast, Lifetime, NoPurchases, Summary

TRUST = (0.0, 0.25, 0.5, 0.75)  # shares of the boosting that are tried
FOLDS = 5
FEWEST = 200  # customers of the earlier moment, before boosting is tried
WORTH = 0.002  # of rank correlation, before it is trusted
COVER = 0.9


class Blended:
    """`fit` on what is known now; `learn` from an earlier moment whose outcome is known."""

    name: ClassVar[str] = "lifetime"
    format: ClassVar[int] = 2

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, summary: Summary) -> Self:
        """Raises NoPurchases where nobody bought twice."""
        self.lifetime_ = Lifetime().fit(summary)
        self.trees_, self.bias_, self.trust_ = NO_TREES, 0.0, 0.0
        self.horizon_ = 0.0
        return self

    def learn(self, before: Summary, spent: np.ndarray, *, horizon: float) -> Self:
        """`before`: (customers,) at an earlier moment; `spent` within the horizon after it."""
        try:
            early = Lifetime().fit(before)
        except NoPurchases:
            return self
        rng = np.random.default_rng(self.seed)
        self.lifetime_.calibrate(early, before, spent, horizon=horizon, cover=COVER, rng=rng)
        if len(spent) < FEWEST or not (spent > 0).any():
            return self
        matrix, target = _numbers(early, before, horizon), np.log1p(np.maximum(spent, 0.0))
        apart = np.zeros(len(target))
        fold = rng.permutation(len(target)) % FOLDS
        for k in range(FOLDS):
            trees, bias = self._boosted(matrix[fold != k], target[fold != k])
            apart[fold == k] = trees.margin(matrix[fold == k]) + bias
        first = np.log1p(_value(early, before, horizon))
        ranks = [_rank_correlation(_mixed(first, apart, trust), spent) for trust in TRUST]
        if max(ranks) > ranks[0] + WORTH:
            self.trust_ = TRUST[int(np.argmax(ranks))]
            (self.trees_, self.bias_), self.horizon_ = self._boosted(matrix, target), horizon
        return self

    def forecast(self, summary: Summary, *, horizon: float, rng: np.random.Generator) -> Forecast:
        """Expectation within the horizon, and an interval that holds nine of ten."""
        plain = self.lifetime_.forecast(summary, horizon=horizon, rng=rng)
        value = self.value(summary, horizon=horizon)
        lower, upper = np.minimum(plain.lower, value), np.maximum(plain.upper, 0.0)
        return Forecast(plain.p_alive, plain.purchases, value, lower, upper)

    def value(self, summary: Summary, *, horizon: float) -> np.ndarray:
        """(customers,) money within the horizon."""
        plain = _value(self.lifetime_, summary, horizon)
        if not self.trust_:
            return plain
        matrix = _numbers(self.lifetime_, summary, self.horizon_)
        grown = self.trees_.margin(matrix) + self.bias_
        mixed = np.expm1(np.maximum(_mixed(np.log1p(plain), grown, self.trust_), 0.0))
        total = mixed.sum()
        return np.asarray(mixed * (plain.sum() / total)) if total > 0 else plain

    def expected_purchases(self, summary: Summary, *, horizon: float) -> np.ndarray:
        """(customers,) purchases within the horizon."""
        return self.lifetime_.expected_purchases(summary, horizon=horizon)

    def state(self) -> State:
        arrays = {f"lifetime_{name}": a for name, a in self.lifetime_.state().arrays.items()}
        arrays |= {f"tree_{name}": array for name, array in vars(self.trees_).items()}
        rest = np.array([self.bias_, self.trust_, self.horizon_])
        return State(arrays | {"rest": rest}, {"seed": self.seed})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        own = {
            name.removeprefix("lifetime_"): array
            for name, array in state.arrays.items()
            if name.startswith("lifetime_")
        }
        self.lifetime_ = Lifetime.from_state(State(own, {}))
        self.trees_ = Trees(**{name: state.arrays[f"tree_{name}"] for name in vars(NO_TREES)})
        self.bias_, self.trust_, self.horizon_ = state.arrays["rest"].tolist()
        return self

    def _boosted(self, matrix: np.ndarray, target: np.ndarray) -> tuple[Trees, float]:
        from sklearn.ensemble import HistGradientBoostingRegressor

        fitted = HistGradientBoostingRegressor(
            learning_rate=0.05,
            max_iter=80,
            max_leaf_nodes=8,
            min_samples_leaf=30,
            l2_regularization=5.0,
            max_features=0.5,
            early_stopping=False,
            random_state=self.seed,
        ).fit(matrix, target)
        return regression(fitted)


def _value(lifetime: Lifetime, summary: Summary, horizon: float) -> np.ndarray:
    purchases = lifetime.expected_purchases(summary, horizon=horizon)
    return np.asarray(purchases * lifetime.expected_money(summary))


def _numbers(lifetime: Lifetime, summary: Summary, horizon: float) -> np.ndarray:
    """(customers, numbers) the summary, and what the first way makes of it."""
    x, recency, age = (
        np.asarray(column, dtype=float)
        for column in (summary.frequency, summary.recency, summary.age)
    )
    money = np.zeros(len(x)) if summary.money is None else np.asarray(summary.money, dtype=float)
    pause = np.where(x > 0, recency / np.maximum(x, 1), np.nan)
    columns = [x, recency, age, age - recency, money, x * money, pause, (age - recency) / pause]
    columns += [
        lifetime.p_alive(summary),
        lifetime.expected_purchases(summary, horizon=horizon),
        _value(lifetime, summary, horizon),
    ]
    return np.stack(columns, axis=1)


def _mixed(first: np.ndarray, second: np.ndarray, trust: float) -> np.ndarray:
    return (1.0 - trust) * first + trust * second


def _rank_correlation(one: np.ndarray, two: np.ndarray) -> float:
    if not np.ptp(one) or not np.ptp(two):
        return 0.0
    return float(np.corrcoef(rankdata(one), rankdata(two))[0, 1])
