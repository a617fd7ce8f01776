"""What most customers chose, lately if time is known: the baseline and the fallback."""

from typing import ClassVar, Self

import numpy as np

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender


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


class History(Recommender):
    """What the customer chose before, as it is time to buy again: the voice of repeat purchases.

    A product scores its strength for this customer, halved every `half_life` days of age, times
    the share of its buyers who bought it more than once (shrunk towards the mean share).
    """

    name: ClassVar[str] = "history"

    def __init__(self, *, half_life: float = 60.0, shrinkage: float = 5.0) -> None:
        self.half_life = half_life
        self.shrinkage = shrinkage

    def fit(self, interactions: Interactions) -> Self:
        buyers = np.asarray(interactions.touched().sum(axis=0)).ravel()
        again = interactions.touched()
        again.data = (interactions.values.data > interactions.values.data.min(initial=1.0)).astype(
            float
        )
        repeats = np.asarray(again.sum(axis=0)).ravel()
        # Where every cell is alike nothing is known of repeats: every product may come again.
        mean = repeats.sum() / max(buyers.sum(), 1.0) or 1.0
        self.again_ = (repeats + self.shrinkage * mean) / (buyers + self.shrinkage)
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        weights = rows.weights(half_life=self.half_life)
        weights.data = weights.data * np.log1p(rows.values.data)
        scores: np.ndarray = weights.toarray() * self.again_
        return scores
