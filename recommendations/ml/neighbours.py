"""Neighbours: products chosen by the same people, people who chose the same products.

Cosine with shrinkage, as in Sarwar et al. 2001 and Aiolli 2013 (asymmetric cosine).
"""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.popularity import trend
from recommendations.ml.recommender import Recommender, strongest

AT_ONCE = 256  # rows whose likeness to everybody is held in memory together


class ItemNeighbours(Recommender):
    """A product scores its likeness to what the customer chose."""

    name: ClassVar[str] = "item-knn"

    def __init__(
        self,
        *,
        k: int = 300,
        shrinkage: float = 10.0,
        half_life: float | None = None,
        fading: float | None = None,
        rising: float = 0.0,
    ) -> None:
        self.k = k
        self.shrinkage = shrinkage
        self.half_life = half_life
        self.fading = fading
        self.rising = rising

    def fit(self, interactions: Interactions) -> Self:
        weights = interactions.weights(half_life=self.half_life, likes=0.5)
        together = sparse.csr_matrix(weights.T @ weights)
        norm = np.sqrt(together.diagonal())
        likeness = together.tocoo()
        below = norm[likeness.row] * norm[likeness.col] + self.shrinkage
        value = np.where(likeness.row == likeness.col, 0.0, likeness.data / below)
        matrix = sparse.csr_matrix((value, (likeness.row, likeness.col)), shape=together.shape)
        matrix.eliminate_zeros()
        # Kept by column: every product hears its own k nearest, popular or not.
        nearest = strongest(matrix.T.tocsr(), self.k).T
        # What rises is praised louder, by all its neighbours alike.
        self.likeness_ = sparse.csr_matrix(nearest @ sparse.diags(trend(interactions, self.rising)))
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        weights = rows.weights(half_life=self.half_life, likes=0.5, fading=self.fading)
        return np.asarray((weights @ self.likeness_).todense())

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = row.weights(half_life=self.half_life, likes=0.5, fading=self.fading)
        likeness = self.likeness_[weights.indices, product].toarray().ravel()
        return np.asarray(weights.data * likeness)


class UserNeighbours(Recommender):
    """A product scores the likeness of the k nearest customers who chose it."""

    name: ClassVar[str] = "user-knn"

    def __init__(  # noqa: PLR0913  (who is near, and what a choice weighs when)
        self,
        *,
        k: int = 150,
        shrinkage: float = 3.0,
        sharpness: float = 1.5,
        half_life: float | None = None,
        fading: float | None = None,
        rising: float = 0.0,
    ) -> None:
        self.k = k
        self.shrinkage = shrinkage
        self.sharpness = sharpness
        self.half_life = half_life
        self.fading = fading
        self.rising = rising

    def fit(self, interactions: Interactions) -> Self:
        touched = interactions.touched()
        buyers = np.asarray(touched.sum(axis=0)).ravel()
        # A product that everybody has says little about who is alike.
        self.rarity_ = np.log1p(touched.shape[0] / (1.0 + buyers))
        chosen = interactions.weights(half_life=self.half_life, likes=0.5)
        self.chosen_ = sparse.csr_matrix(chosen @ sparse.diags(trend(interactions, self.rising)))
        self.profiles_ = self._profiles(interactions)
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        profiles = self._profiles(rows, self.fading)
        scores = np.zeros(rows.shape)
        for start in range(0, rows.shape[0], AT_ONCE):
            part = slice(start, min(start + AT_ONCE, rows.shape[0]))
            near = self._near(profiles[part])
            near.data = near.data**self.sharpness
            scores[part] = (near @ self.chosen_).toarray()
        return scores

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        """A neighbour's word is shared among the choices that make them a neighbour."""
        profile = self._profiles(row, self.fading)
        near = self._near(profile)
        says = self.chosen_[near.indices, product].toarray().ravel()
        word = says * near.data ** (self.sharpness - 1.0)
        return np.asarray(profile.data * (word @ self.profiles_[near.indices])[profile.indices])

    def _near(self, profiles: sparse.csr_matrix) -> sparse.csr_matrix:
        """(rows, customers) likeness to the k nearest customers with any."""
        likeness = sparse.csr_matrix(profiles @ self.profiles_.T)
        likeness.eliminate_zeros()
        return strongest(likeness, self.k)

    def _profiles(self, rows: Interactions, fading: float | None = None) -> sparse.csr_matrix:
        weights = rows.weights(half_life=self.half_life, likes=0.5, fading=fading)
        weights = weights @ sparse.diags(self.rarity_)
        length = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
        return sparse.csr_matrix(sparse.diags(1.0 / (length + self.shrinkage)) @ weights)
