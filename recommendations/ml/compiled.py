"""Single voices in the form in which they serve one customer at a time.

For one customer a voice is a handful of products of short arrays, and nearly all time goes into
moving memory. So what is the same for everybody is standardised once; factors are standardised
from their mean and covariance, without making scores; dense rows are added in place, one row of
the mapped file at a time; sparse rows are counted together. Any other voice is asked as it is.

Scores are those of the estimators to the fifth digit (tested), in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy import sparse
from scipy.linalg import blas

from recommendations.ml.content import Content
from recommendations.ml.ease import Ease
from recommendations.ml.factors import ImplicitFactors, TruncatedSvd
from recommendations.ml.interactions import Interactions
from recommendations.ml.neighbours import ItemNeighbours, UserNeighbours
from recommendations.ml.popularity import Popularity
from recommendations.ml.recommender import Recommender
from recommendations.ml.sequential import Sequential

CANCELS = 0.05  # share of the mean square below which a variance is computed the careful way


class Row:
    """One customer: their cells, and the weights that voices give them."""

    def __init__(self, row: Interactions) -> None:
        self.interactions = row
        self.columns = row.values.indices
        self.near: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by who looked them up
        self._kept: dict[tuple[float | None, float], np.ndarray] = {}

    def weights(self, half_life: float | None, likes: float) -> np.ndarray:
        """(cells,) weights; voices with the same settings share them."""
        key = (half_life, likes if self.interactions.explicit else 0.0)
        if key not in self._kept:
            self._kept[key] = self.interactions.cell_weights(half_life=half_life, likes=likes)
        return self._kept[key]

    @cached_property
    def order(self) -> np.ndarray:
        """(cells,) how many steps each cell is before the last one."""
        cells = len(self.columns)
        back = np.empty(cells, dtype=int)
        back[np.lexsort((self.columns, self.interactions.days))] = np.arange(cells - 1, -1, -1)
        return back


@dataclass(frozen=True)
class Heard:
    """What one voice says to one row: raw scores, and what standardises them."""

    mean: float
    deviation: float  # 0 where the voice says the same of all
    scores: np.ndarray | None = None  # (products,) float32, where they are made
    tastes: np.ndarray | None = None  # (factors,) of which scores are made by the factors


class Compiled(Protocol):
    """One voice, ready to serve."""

    def hear(self, row: Row) -> Heard: ...

    def at(self, row: Row, heard: Heard, columns: np.ndarray) -> np.ndarray:
        """(columns,) raw scores of some products."""
        ...

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray | None:
        """(cells, columns) what each choice adds to the raw scores; None where that is unknown."""
        ...


class _Made:
    """A voice whose scores are all made at once."""

    voice: Recommender

    def make(self, row: Row) -> np.ndarray:
        raise NotImplementedError

    def hear(self, row: Row) -> Heard:
        scores = self.make(row)
        return Heard(*moments(scores), scores)

    def at(self, row: Row, heard: Heard, columns: np.ndarray) -> np.ndarray:
        assert heard.scores is not None
        return heard.scores[columns]

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray | None:
        found = [self.voice.pieces(row.interactions, int(column)) for column in columns]
        if any(one is None for one in found):
            return None
        return np.array(found).T.reshape(len(row.columns), len(columns))


class AsItIs(_Made):
    """Any voice that has no faster form."""

    def __init__(self, voice: Recommender) -> None:
        self.voice = voice

    def make(self, row: Row) -> np.ndarray:
        return self.voice.score(row.interactions)[0].astype(np.float32)


class Same(_Made):
    """Popularity: the same for everybody."""

    def __init__(self, voice: Popularity) -> None:
        self.voice = voice
        scores = voice.chosen_.astype(np.float32)
        self._heard = Heard(*moments(scores), scores)

    def hear(self, row: Row) -> Heard:
        return self._heard


class Dense(_Made):
    """EASE: the sum of the rows of what the customer chose."""

    def __init__(self, voice: Ease) -> None:
        self.voice: Ease = voice
        self.taught = np.ascontiguousarray(voice.taught_, dtype=np.float32)

    def make(self, row: Row) -> np.ndarray:
        scores = np.zeros(self.taught.shape[1], dtype=np.float32)
        weights = row.weights(self.voice.half_life, self.voice.likes)
        for column, weight in zip(row.columns.tolist(), weights.tolist(), strict=True):
            blas.saxpy(self.taught[column], scores, a=weight)
        return scores

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        weights = row.weights(self.voice.half_life, self.voice.likes)
        return weights[:, None] * self.taught[np.ix_(row.columns, columns)]


class Sparse(_Made):
    """Rows of a sparse matrix, weighted and counted together."""

    def __init__(self, voice: Recommender, matrix: sparse.csr_matrix) -> None:
        self.voice = voice
        self._matrix = matrix.tocsr()
        self._indptr = self._matrix.indptr.tolist()

    def weights(self, row: Row) -> np.ndarray:
        raise NotImplementedError

    def make(self, row: Row) -> np.ndarray:
        size = self._matrix.shape[1]
        indptr, indices, data = self._indptr, self._matrix.indices, self._matrix.data
        parts = [
            (slice(indptr[column], indptr[column + 1]), weight)
            for column, weight in zip(row.columns.tolist(), self.weights(row).tolist(), strict=True)
            if weight
        ]
        if not parts:
            return np.zeros(size, dtype=np.float32)
        where = np.concatenate([indices[part] for part, _ in parts])
        what = np.concatenate([data[part] * weight for part, weight in parts])
        return np.bincount(where, what, minlength=size).astype(np.float32)

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        return self.weights(row)[:, None] * _block(self._matrix, row.columns, columns)


class Alike(Sparse):
    """Item neighbours: the products most like what the customer chose."""

    def __init__(self, voice: ItemNeighbours) -> None:
        super().__init__(voice, voice.likeness_)
        self._half_life = voice.half_life

    def weights(self, row: Row) -> np.ndarray:
        return row.weights(self._half_life, 0.5)


class After(Sparse):
    """Transitions: what follows the last steps of the customer."""

    def __init__(self, voice: Sequential) -> None:
        super().__init__(voice, voice.follows_)
        self._last, self._fading = voice.last, voice.fading

    def weights(self, row: Row) -> np.ndarray:
        return np.where(row.order < self._last, self._fading**row.order, 0.0)


class Factors:
    """ALS, BPR and the truncated SVD: tastes times the factors of the products.

    factors: (products, factors) float32, such that scores are factors @ tastes.
    """

    factors: np.ndarray

    def _look(self) -> None:
        whole = self.factors.astype(float)
        self._mean = whole.mean(axis=0)
        self._covariance = np.cov(whole, rowvar=False, bias=True).reshape(whole.shape[1], -1)

    @property
    def nothing(self) -> np.ndarray:
        return np.zeros(self.factors.shape[1])

    def tastes(self, row: Row) -> np.ndarray:
        raise NotImplementedError

    def hear(self, row: Row) -> Heard:
        tastes = self.tastes(row)
        variance = max(float(tastes @ self._covariance @ tastes), 0.0)
        return Heard(float(self._mean @ tastes), variance**0.5, tastes=tastes)

    def at(self, row: Row, heard: Heard, columns: np.ndarray) -> np.ndarray:
        return np.asarray(self.factors[columns] @ heard.tastes)


class FoldedIn(Factors):
    """Implicit factors: tastes by least squares, on a ground that is the same for everybody."""

    def __init__(self, voice: ImplicitFactors) -> None:
        self.voice = voice
        self.factors = np.ascontiguousarray(voice.products_, dtype=np.float32)
        whole = self.factors.astype(float)
        self._ground = whole.T @ whole + voice.l2 * np.eye(whole.shape[1])
        self._look()

    def tastes(self, row: Row) -> np.ndarray:
        mine, trust, left = self._normal(row)
        return np.linalg.solve(left, mine.T @ (1.0 + trust))

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        mine, trust, left = self._normal(row)
        seen_by = np.linalg.solve(left, self.factors[columns].astype(float).T)
        return np.asarray((mine @ seen_by) * (1.0 + trust)[:, None])

    def _normal(self, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mine = self.factors[row.columns].astype(float)
        trust = self.voice.alpha * row.weights(self.voice.half_life, 0.5)
        return mine, trust, self._ground + (mine.T * trust) @ mine


class Projected(Factors):
    """The truncated SVD: a row projected on the leading directions and back."""

    def __init__(self, voice: TruncatedSvd) -> None:
        self.voice: TruncatedSvd = voice
        self.factors = (voice.directions_ / voice.scale_[:, None]).astype(np.float32)
        self._look()

    def tastes(self, row: Row) -> np.ndarray:
        return np.asarray(self._scaled(row) @ self.voice.directions_[row.columns])

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        mine = self.voice.directions_[row.columns] * self._scaled(row)[:, None]
        return np.asarray(mine @ self.factors[columns].T)

    def _scaled(self, row: Row) -> np.ndarray:
        return row.weights(self.voice.half_life, 0.5) * self.voice.scale_[row.columns]


class Near(_Made):
    """User neighbours: only customers who share a product are looked at."""

    def __init__(self, voice: UserNeighbours) -> None:
        self.voice: UserNeighbours = voice
        by_product = voice.profiles_.tocsc()
        self._buyers = (by_product.indptr.tolist(), by_product.indices, by_product.data)
        self._customers = voice.profiles_.shape[0]

    def make(self, row: Row) -> np.ndarray:
        near, likeness = self._near(row)
        chosen = self.voice.chosen_
        counts, cells = _cells(chosen, near)
        word = np.repeat(likeness**self.voice.sharpness, counts) * chosen.data[cells]
        said = np.bincount(chosen.indices[cells], word, minlength=chosen.shape[1])
        return said.astype(np.float32)

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        """A neighbour's word is shared among the choices that make them a neighbour."""
        near, likeness = self._near(row)
        says = _block(self.voice.chosen_, near, columns)
        word = says * (likeness ** (self.voice.sharpness - 1.0))[:, None]
        share = _block(self.voice.profiles_, near, row.columns)
        return np.asarray(self._profile(row)[:, None] * (share.T @ word))

    def _profile(self, row: Row) -> np.ndarray:
        weights = row.weights(self.voice.half_life, 0.5) * self.voice.rarity_[row.columns]
        return np.asarray(weights / (np.sqrt(weights @ weights) + self.voice.shrinkage))

    def _near(self, row: Row) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest customers with any likeness, and how alike they are."""
        if id(self) not in row.near:
            row.near[id(self)] = self._look(row)
        return row.near[id(self)]

    def _look(self, row: Row) -> tuple[np.ndarray, np.ndarray]:
        indptr, customers, data = self._buyers
        parts = [
            (slice(indptr[column], indptr[column + 1]), weight)
            for column, weight in zip(row.columns.tolist(), self._profile(row), strict=True)
        ]
        if not parts:
            return np.zeros(0, dtype=int), np.zeros(0)
        who = np.concatenate([customers[part] for part, _ in parts])
        how = np.concatenate([data[part] * weight for part, weight in parts])
        likeness = np.bincount(who, how, minlength=self._customers)
        alike = np.flatnonzero(likeness)
        if len(alike) > self.voice.k:
            nearest = np.argpartition(-likeness[alike], self.voice.k - 1)[: self.voice.k]
            alike = alike[np.sort(nearest)]
        return alike, likeness[alike]


class Written(_Made):
    """Content: the features of what was chosen, against those of every product."""

    def __init__(self, voice: Content) -> None:
        self.voice: Content = voice
        self._features = voice.features_.tocsr().astype(np.float32)

    def make(self, row: Row) -> np.ndarray:
        mine = self._features[row.columns]
        weights = np.repeat(row.weights(self.voice.half_life, 1.0), np.diff(mine.indptr))
        profile = np.bincount(mine.indices, mine.data * weights, minlength=mine.shape[1])
        return np.asarray(self._features @ profile.astype(np.float32))

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        likeness = self._features[row.columns] @ self._features[columns].T
        return np.asarray(row.weights(self.voice.half_life, 1.0)[:, None] * likeness.toarray())


FORMS: tuple[tuple[type[Recommender], Callable[[Any], Compiled]], ...] = (
    (Popularity, Same),
    (Ease, Dense),
    (ItemNeighbours, Alike),
    (Sequential, After),
    (ImplicitFactors, FoldedIn),
    (TruncatedSvd, Projected),
    (UserNeighbours, Near),
    (Content, Written),
)


def compiled(voice: Recommender) -> Compiled:
    """The fastest form of a voice."""
    form = next((form for kind, form in FORMS if isinstance(voice, kind)), AsItIs)
    return form(voice)


def moments(scores: np.ndarray) -> tuple[float, float]:
    """Mean and deviation, in two passes over memory that is still near."""
    if not len(scores):
        return 0.0, 0.0
    mean, square = float(scores.mean()), float(np.dot(scores, scores)) / len(scores)
    variance = square - mean * mean
    if variance <= CANCELS * square:  # two large numbers were taken from each other
        return float(scores.mean(dtype=float)), float(scores.std(dtype=float))
    return mean, float(variance**0.5)


def _cells(matrix: sparse.csr_matrix, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many cells each of these rows has, and where they lie, row after row."""
    begins = matrix.indptr[rows]
    counts = matrix.indptr[rows + 1] - begins
    shift = np.repeat(begins - np.cumsum(counts) + counts, counts)
    return counts, shift + np.arange(len(shift))


def _block(matrix: sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(rows, columns) dense; every column is asked for once."""
    counts, cells = _cells(matrix, rows)
    place = np.full(matrix.shape[1], -1)
    place[columns] = np.arange(len(columns))
    at = place[matrix.indices[cells]]
    there = np.flatnonzero(at >= 0)
    block = np.zeros((len(rows), len(columns)))
    block[np.repeat(np.arange(len(rows)), counts)[there], at[there]] = matrix.data[cells[there]]
    return block
