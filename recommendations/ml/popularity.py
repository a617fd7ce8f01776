"""What most customers chose, lately if time is known: the baseline and the fallback."""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender

TREND_HALF_LIFE = 7.0  # days
TREND_PRIOR = 2.0  # choices that a product is thought to have had at the pace of all


def trend(interactions: Interactions, power: float) -> np.ndarray:
    """(products,) how much of its choices a product had lately, in parts of what all had.

    One is the pace of the whole catalogue; a product that stopped selling is near zero. To the
    power `power`: what rises is held to rise on.
    """
    weights = interactions.weights(half_life=TREND_HALF_LIFE)
    ever = np.bincount(weights.indices, minlength=weights.shape[1])
    lately = np.bincount(weights.indices, weights=weights.data, minlength=weights.shape[1])
    pace = lately.sum() / max(ever.sum(), 1) or 1.0
    return np.asarray(((lately / pace + TREND_PRIOR) / (ever + TREND_PRIOR)) ** power)


class Popularity(Recommender):
    """Distinct customers per product, each halved every `half_life` days of age (None: never)."""

    name: ClassVar[str] = "popularity"

    def __init__(self, *, half_life: float | None = None) -> None:
        self.half_life = half_life

    def fit(self, interactions: Interactions) -> Self:
        weights = interactions.weights(half_life=self.half_life)
        self.chosen_ = np.asarray(weights.sum(axis=0)).ravel()
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.tile(self.chosen_, (rows.shape[0], 1))


class Rarity(Popularity):
    """The rarer the better: no list by itself, it holds back what every other voice repeats."""

    name: ClassVar[str] = "rarity"

    def fit(self, interactions: Interactions) -> Self:
        super().fit(interactions)
        self.chosen_ = -np.log1p(self.chosen_)
        return self


class History(Recommender):
    """What the customer chose before, as it is time to buy again: the voice of repeat purchases.

    A product scores how much of it this customer took, in parts of what is usual for it, halved
    every `half_life` days of age, times what is left of its sales lately.
    """

    name: ClassVar[str] = "history"

    def __init__(self, *, half_life: float = 90.0, lately: float = 30.0) -> None:
        self.half_life = half_life
        self.lately = lately

    def fit(self, interactions: Interactions) -> Self:
        columns = interactions.values.tocsc()
        columns.sort_indices()
        usual = [
            np.median(columns.data[start:end]) if end > start else 1.0
            for start, end in zip(columns.indptr[:-1], columns.indptr[1:], strict=True)
        ]
        buyers = np.diff(columns.indptr)
        recent = np.asarray(interactions.weights(half_life=self.lately).sum(axis=0)).ravel()
        self.usual_ = np.array(usual, dtype=float)
        self.alive_ = np.sqrt((recent + 0.5) / (buyers + 2.0))
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.asarray(self._weights(rows).toarray() * self.alive_)

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = self._weights(row)
        return np.where(weights.indices == product, weights.data * self.alive_[product], 0.0)

    def _weights(self, rows: Interactions) -> sparse.csr_matrix:
        weights = rows.weights(half_life=self.half_life)
        weights.data = weights.data * np.log1p(rows.values.data / self.usual_[weights.indices])
        return weights
