"""EASE: the linear item-to-item model in closed form (Steck 2019), denoised (Steck 2020)."""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from recommendations.ml.interactions import Interactions
from recommendations.ml.popularity import trend
from recommendations.ml.recommender import Recommender


class Ease(Recommender):
    """B = I - P / diag(P), P = (G + D)^-1, G = X'X, D = l2 I + dropout / (1 - dropout) diag G.

    fading: a row that is scored weighs its last choices most; what is taught does not.
    rising: power of the trend of a product that its scores are multiplied by.
    """

    name: ClassVar[str] = "ease"

    def __init__(  # noqa: PLR0913  (ridge, noise, and what a choice weighs when)
        self,
        *,
        l2: float = 100.0,
        dropout: float = 0.3,
        half_life: float | None = None,
        likes: float = 0.5,
        fading: float | None = None,
        rising: float = 0.0,
    ) -> None:
        self.l2 = l2
        self.dropout = dropout
        self.half_life = half_life
        self.likes = likes
        self.fading = fading
        self.rising = rising

    def fit(self, interactions: Interactions) -> Self:
        weights = interactions.weights(half_life=self.half_life, likes=self.likes)
        gram = (weights.T @ weights).toarray()
        own = np.arange(len(gram))
        gram[own, own] += self.l2 + self.dropout / (1.0 - self.dropout) * gram[own, own]
        inverse = _inverse(gram)
        taught = inverse / -np.diagonal(inverse)
        taught[own, own] = 0.0
        self.taught_ = (taught * trend(interactions, self.rising)).astype(np.float32)
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.asarray(self._weights(rows) @ self.taught_, dtype=float)

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = self._weights(row)
        return np.asarray(weights.data * self.taught_[weights.indices, product])

    def _weights(self, rows: Interactions) -> sparse.csr_matrix:
        return rows.weights(half_life=self.half_life, likes=self.likes, fading=self.fading)


def _inverse(gram: np.ndarray) -> np.ndarray:
    """Inverse of a positive definite matrix by Cholesky, at half the cost of the general one."""
    factor, _ = lapack.dpotrf(gram, lower=1)
    lower, _ = lapack.dpotri(factor, lower=1)
    inverse: np.ndarray = np.tril(lower) + np.tril(lower, -1).T
    return inverse
