"""Voices of neighbours among the customers: only those who share a product are looked at."""

import numpy as np
from scipy import sparse

from recommendations.ml.compiled.voice import Made, Row, added, block_of, cells_of
from recommendations.ml.neighbours import UserNeighbours
from recommendations.ml.recommender import Recommender
from recommendations.ml.sessions import SessionNeighbours


class Near(Made):
    """Neighbours among the customers: only those who share a product are looked at."""

    def __init__(self, voice: Recommender, by_product: sparse.csr_matrix, k: int) -> None:
        """by_product: (products, customers) how much each shared product makes alike."""
        self.voice, self._k, self._alike = voice, k, by_product

    def profile(self, row: Row) -> np.ndarray:
        """(cells,) how much each choice of this customer makes alike."""
        raise NotImplementedError

    def near(self, row: Row) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest customers with any likeness, and how alike they are."""
        found: tuple[np.ndarray, np.ndarray] = row.once(self, "near", self._look)
        return found

    def _look(self, row: Row) -> tuple[np.ndarray, np.ndarray]:
        likeness = added(self._alike, row.columns, self.profile(row))
        alike = np.flatnonzero(likeness != 0)  # of truths they are found faster than of numbers
        if len(alike) > self._k:
            nearest = np.argpartition(-likeness[alike], self._k - 1)[: self._k]
            alike = alike[np.sort(nearest)]
        return alike, likeness[alike]


class Users(Near):
    """User neighbours: the sharpened word of each for all that they chose."""

    def __init__(self, voice: UserNeighbours) -> None:
        super().__init__(voice, voice.profiles_.T.tocsr(), voice.k)
        self._chosen, self._profiles = voice.chosen_, voice.profiles_
        self._rarity, self._sharpness = voice.rarity_, voice.sharpness
        self._shrinkage, self._settings = voice.shrinkage, (voice.half_life, 0.5, voice.fading)

    def profile(self, row: Row) -> np.ndarray:
        weights = row.weights(*self._settings) * self._rarity[row.columns]
        return np.asarray(weights / (np.sqrt(weights @ weights) + self._shrinkage))

    def make(self, row: Row) -> np.ndarray:
        near, likeness = self.near(row)
        counts, cells = cells_of(self._chosen, near)
        word = np.repeat(likeness**self._sharpness, counts) * self._chosen.data[cells]
        said = np.bincount(self._chosen.indices[cells], word, minlength=self._chosen.shape[1])
        return said.astype(np.float32)

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        """A neighbour's word is shared among the choices that make them a neighbour."""
        near, likeness = self.near(row)
        says = block_of(self._chosen, near, columns)
        word = says * (likeness ** (self._sharpness - 1.0))[:, None]
        share = block_of(self._profiles, near, row.columns)
        return np.asarray(self.profile(row)[:, None] * (share.T @ word))


class Sessions(Near):
    """Session neighbours: the word of each by the steps from the latest choice that is shared."""

    def __init__(self, voice: SessionNeighbours) -> None:
        super().__init__(voice, voice.alike_, voice.k)
        self._places, self._near, self._fading = voice.places_, voice.near, voice.fading

    def profile(self, row: Row) -> np.ndarray:
        return row.weights(None, 0.0, self._fading)

    def make(self, row: Row) -> np.ndarray:
        _, likeness = self.near(row)
        whose, products, word = row.once(self, "told", self._told)
        said = np.bincount(products, likeness[whose] * word, minlength=self._places.shape[1])
        return said.astype(np.float32)

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        near, _ = self.near(row)
        whose, products, word = row.once(self, "told", self._told)
        place = np.full(self._places.shape[1], -1)
        place[columns] = np.arange(len(columns))
        there = np.flatnonzero(place[products] >= 0)
        told = np.zeros((len(near), len(columns)))
        told[whose[there], place[products[there]]] = word[there]
        alike = block_of(self._alike, row.columns, near)
        return np.asarray(self.profile(row)[:, None] * (alike @ told))

    def _told(self, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every choice of the neighbours, all (choices,): whose, of what, and how near it is."""
        near, _ = self.near(row)
        counts, cells = cells_of(self._places, near)
        products, steps = self._places.indices[cells], self._places.data[cells]
        whose = np.repeat(np.arange(len(near)), counts)
        weight = np.zeros(self._places.shape[1])
        weight[row.columns] = self.profile(row)
        shared, begins = weight[products], np.cumsum(counts) - counts
        most = np.maximum.reduceat(shared, begins) if len(near) else shared
        latest = np.where(shared == most[whose], steps, -np.inf)
        latest = np.maximum.reduceat(latest, begins) if len(near) else latest
        return whose, products, self._near ** np.abs(steps - latest[whose])
