"""The one table that every recommender learns from and scores: customers by products."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import sparse

MOST_LEVELS = 21  # distinct values of a rating scale, half steps from 0 to 10
LARGEST_RATING = 10.0
FAINTEST = 0.1  # weight that the oldest of many choices keeps


@dataclass(frozen=True)
class Log:
    """Rows as they happened, all (rows,): a product bought twice is here twice."""

    customers: np.ndarray
    products: np.ndarray
    values: np.ndarray
    days: np.ndarray


@dataclass(frozen=True)
class Interactions:
    """What customers did, one cell per customer and product.

    values: (customers, products), sorted indices; strength above zero, or a rating.
    days: (nnz,) moment of the last touch of each cell, in days, in the order of values.data.
    today: moment, in days, from which ages are counted.
    features: (products, features) attributes of the products, or None.
    explicit: values are ratings, where a low one is a dislike.
    graded: values say how much a cell is worth (a purchase one, a look a fifth of it).
    log: the rows before they were folded into cells, where they are known.
    """

    values: sparse.csr_matrix
    days: np.ndarray
    today: float
    features: sparse.csr_matrix | None = None
    explicit: bool = False
    log: Log | None = None
    graded: bool = False

    @classmethod
    def from_rows(  # noqa: PLR0913  (the columns of the rows, and what they mean)
        cls,
        cells: tuple[np.ndarray, np.ndarray],
        values: np.ndarray,
        days: np.ndarray | None,
        *,
        shape: tuple[int, int],
        features: sparse.csr_matrix | None = None,
        explicit: bool | None = None,
        graded: bool = False,
    ) -> Self:
        """Fold rows (customer, product) into cells: ratings keep the last, strengths add up.

        Rows whose value is not a finite number are refused with a ValueError; strengths at or
        below zero (returns) take away, and a cell that ends at or below zero is no interaction.
        """
        if not np.all(np.isfinite(values)):
            raise ValueError("values must be finite numbers")
        explicit = looks_like_ratings(values) if explicit is None else explicit
        moments = np.zeros(len(values)) if days is None else np.asarray(days, float)
        flat = cells[0].astype(np.int64) * shape[1] + cells[1]
        order = np.lexsort((moments, flat))
        flat, value, moment = flat[order], np.asarray(values, float)[order], moments[order]
        starts = np.flatnonzero(np.diff(flat, prepend=-1))
        ends = np.append(starts[1:], len(flat))[: len(starts)] - 1
        folded = value[ends] if explicit or not len(flat) else np.add.reduceat(value, starts)
        kept = folded > 0
        cell, moment = flat[ends][kept], moment[ends][kept]
        indptr = np.searchsorted(cell, np.arange(shape[0] + 1, dtype=np.int64) * shape[1])
        matrix = sparse.csr_matrix((folded[kept], cell % max(shape[1], 1), indptr), shape=shape)
        today = float(moment.max()) if len(moment) else 0.0
        log = None if days is None else Log(*cells, np.asarray(values, float), moments)
        return cls(matrix, moment, today, features, explicit, log, graded)

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape

    def take(self, rows: Sequence[int] | np.ndarray) -> "Interactions":
        """These customers only, in this order."""
        wanted = np.asarray(rows, int)
        numbers = sparse.csr_matrix(
            (np.arange(self.values.nnz), self.values.indices, self.values.indptr), shape=self.shape
        )
        days = self.days[numbers[wanted].data]
        return replace(self, values=self.values[wanted], days=days, log=None)

    def keep(self, cells: np.ndarray) -> "Interactions":
        """The same customers with the cells (bool, (nnz,)) that are kept; today is their last."""
        coo = self.values.tocoo()
        matrix = sparse.csr_matrix(
            (coo.data[cells], (coo.row[cells], coo.col[cells])), shape=self.shape
        )
        days = self.days[cells]
        today = float(days.max()) if len(days) else self.today
        return replace(self, values=matrix, days=days, today=today, log=None)

    def touched(self) -> sparse.csr_matrix:
        """(customers, products) of ones where something happened."""
        return self._with(np.ones(self.values.nnz))

    def weights(
        self, *, half_life: float | None = None, likes: float = 0.0, fading: float | None = None
    ) -> sparse.csr_matrix:
        """(customers, products) weights in (0, 1], halved every `half_life` days of age.

        likes: for ratings, how much a rating counts: 0 all alike, 1 in proportion to the rating.
        fading: times this for every choice that the customer made later, down to FAINTEST: what
        somebody chose last says most of what comes next, however long ago that was.
        """
        return self._with(self.cell_weights(half_life=half_life, likes=likes, fading=fading))

    def cell_weights(
        self, *, half_life: float | None = None, likes: float = 0.0, fading: float | None = None
    ) -> np.ndarray:
        """(nnz,) the same weights, in the order of the cells."""
        weight = np.ones(self.values.nnz)
        if likes and self.explicit and self.values.nnz:
            weight *= (self.values.data / self.values.data.max()) ** (2.0 * likes)
        if self.graded:
            weight *= np.minimum(self.values.data, 1.0)
        if half_life:
            weight *= 0.5 ** (np.clip(self.today - self.days, 0.0, None) / half_life)
        if fading is not None:
            weight *= np.maximum(fading ** self.made_later(), FAINTEST)
        return weight

    def made_later(self) -> np.ndarray:
        """(nnz,) how many choices the same customer made at a later moment than this one."""
        row = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        order = np.lexsort((self.days, row))
        moment = np.flatnonzero(
            np.diff(row[order], append=-1) | np.diff(self.days[order], append=np.nan).astype(bool)
        )
        # Of choices at one moment the last in order stands for all.
        ends = moment[np.searchsorted(moment, np.arange(len(order)))]
        later = np.empty(len(order))
        later[order] = self.values.indptr[row[order] + 1] - 1 - ends
        return later

    def _with(self, data: np.ndarray) -> sparse.csr_matrix:
        return sparse.csr_matrix((data, self.values.indices, self.values.indptr), shape=self.shape)


def looks_like_ratings(values: np.ndarray) -> bool:
    """A few levels on a short scale, mostly in its upper half: ratings rather than counts."""
    levels = np.unique(values)
    if not 3 <= len(levels) <= MOST_LEVELS or levels[0] < 0 or levels[-1] > LARGEST_RATING:
        return False
    return bool(np.median(values) >= levels[-1] / 2)
