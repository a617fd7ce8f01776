"""Voices of items: the same for all, rows of a matrix added together, and what is written."""

import numpy as np
from scipy import sparse
from scipy.linalg import blas

from recommendations.ml.compiled.voice import Heard, Made, Row, added, block_of, cells_of, moments
from recommendations.ml.content import Content
from recommendations.ml.ease import Ease
from recommendations.ml.neighbours import ItemNeighbours
from recommendations.ml.popularity import Popularity
from recommendations.ml.recommender import Recommender
from recommendations.ml.sequential import LinearTransitions, Sequential

RARELY = 0.1  # share of all that is written, up to which products with the same are looked up


class AsItIs(Made):
    """Any voice that has no faster form."""

    def __init__(self, voice: Recommender) -> None:
        self.voice = voice

    def make(self, row: Row) -> np.ndarray:
        return self.voice.score(row.interactions)[0].astype(np.float32)


class Same(Made):
    """Popularity: the same for everybody."""

    def __init__(self, voice: Popularity) -> None:
        self.voice = voice
        scores = voice.chosen_.astype(np.float32)
        self._heard = Heard(*moments(scores), scores)

    def hear(self, row: Row) -> Heard:
        return self._heard


class Dense(Made):
    """The sum of the rows of what the customer chose, one of a large matrix after the other."""

    def __init__(self, voice: Recommender, matrix: np.ndarray) -> None:
        self.voice = voice
        self._matrix = np.ascontiguousarray(matrix, dtype=np.float32)

    def weights(self, row: Row) -> np.ndarray:
        raise NotImplementedError

    def make(self, row: Row) -> np.ndarray:
        scores = np.zeros(self._matrix.shape[1], dtype=np.float32)
        for column, weight in zip(row.columns.tolist(), self.weights(row).tolist(), strict=True):
            blas.saxpy(self._matrix[column], scores, a=weight)
        return scores

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        return self.weights(row)[:, None] * self._matrix[np.ix_(row.columns, columns)]


class Taught(Dense):
    """EASE."""

    def __init__(self, voice: Ease) -> None:
        super().__init__(voice, voice.taught_)
        self._settings = (voice.half_life, voice.likes, voice.fading)

    def weights(self, row: Row) -> np.ndarray:
        return row.weights(*self._settings)


class Leading(Dense):
    """Linear transitions."""

    def __init__(self, voice: LinearTransitions) -> None:
        super().__init__(voice, voice.leads_)
        self._fading = voice.fading

    def weights(self, row: Row) -> np.ndarray:
        return row.weights(None, 0.0, self._fading)


class Sparse(Made):
    """Rows of a sparse matrix, weighted and counted together."""

    def __init__(self, voice: Recommender, matrix: sparse.csr_matrix) -> None:
        self.voice = voice
        self._matrix = matrix.tocsr()

    def weights(self, row: Row) -> np.ndarray:
        raise NotImplementedError

    def make(self, row: Row) -> np.ndarray:
        weights = self.weights(row)
        heard = np.flatnonzero(weights)
        return added(self._matrix, row.columns[heard], weights[heard]).astype(np.float32)

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        return self.weights(row)[:, None] * block_of(self._matrix, row.columns, columns)


class Alike(Sparse):
    """Item neighbours: the products most like what the customer chose."""

    def __init__(self, voice: ItemNeighbours) -> None:
        super().__init__(voice, voice.likeness_)
        self._settings = (voice.half_life, 0.5, voice.fading)

    def weights(self, row: Row) -> np.ndarray:
        return row.weights(*self._settings)


class After(Sparse):
    """Transitions: what follows the last steps of the customer."""

    def __init__(self, voice: Sequential) -> None:
        super().__init__(voice, voice.follows_)
        self._last, self._fading = voice.last, voice.fading

    def weights(self, row: Row) -> np.ndarray:
        return np.where(row.order < self._last, self._fading**row.order, 0.0)


class Written(Made):
    """Content: the features of what was chosen, against those of every product."""

    def __init__(self, voice: Content) -> None:
        self.voice: Recommender = voice
        self._settings = (voice.half_life, 1.0, voice.fading)
        self._features = voice.features_.tocsr().astype(np.float32)
        self._holding = self._features.T.tocsr()  # (features, products)
        self._sharing = np.diff(self._holding.indptr)

    def make(self, row: Row) -> np.ndarray:
        counts, cells = cells_of(self._features, row.columns)
        weights = np.repeat(row.weights(*self._settings), counts) * self._features.data[cells]
        features = self._features.indices[cells]
        if self._sharing[features].sum() <= RARELY * self._features.nnz:
            return added(self._holding, features, weights).astype(np.float32)
        profile = np.bincount(features, weights, minlength=self._features.shape[1])
        return np.asarray(self._features @ profile.astype(np.float32))

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        _, cells = cells_of(self._features, columns)
        told = np.unique(self._features.indices[cells])
        mine, theirs = (block_of(self._features, some, told) for some in (row.columns, columns))
        return np.asarray(row.weights(*self._settings)[:, None] * (mine @ theirs.T))
