"""What every compiled voice takes and gives: a row, and what is heard of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender

LONG = 200  # cells of a row from which it is read in one piece
CANCELS = 0.05  # share of the mean square below which a variance is computed the careful way


class Row:
    """One customer: their cells, and the weights that voices give them."""

    def __init__(self, row: Interactions) -> None:
        self.interactions = row
        self.columns = row.values.indices
        self._found: dict[tuple[int, str], Any] = {}
        self._kept: dict[tuple[float | None, float, float | None], np.ndarray] = {}

    def weights(self, half_life: float | None, likes: float, fading: float | None) -> np.ndarray:
        """(cells,) weights; voices with the same settings share them."""
        key = (half_life, likes if self.interactions.explicit else 0.0, fading)
        if key not in self._kept:
            self._kept[key] = self.interactions.cell_weights(
                half_life=half_life, likes=likes, fading=fading
            )
        return self._kept[key]

    def once(self, who: object, what: str, find: Callable[["Row"], Any]) -> Any:
        """What a voice finds for this row, found when it is first needed."""
        key = (id(who), what)
        if key not in self._found:
            self._found[key] = find(self)
        return self._found[key]

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


class Made:
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


def moments(scores: np.ndarray) -> tuple[float, float]:
    """Mean and deviation, in two passes over memory that is still near."""
    if not len(scores):
        return 0.0, 0.0
    mean, square = float(scores.mean()), float(np.dot(scores, scores)) / len(scores)
    variance = square - mean * mean
    if variance <= CANCELS * square:  # two large numbers were taken from each other
        return float(scores.mean(dtype=float)), float(scores.std(dtype=float))
    return mean, float(variance**0.5)


def cells_of(matrix: sparse.csr_matrix, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many cells each of these rows has, and where they lie, row after row."""
    begins = matrix.indptr[rows]
    counts = matrix.indptr[rows + 1] - begins
    shift = np.repeat(begins - np.cumsum(counts) + counts, counts)
    return counts, shift + np.arange(len(shift))


def added(matrix: sparse.csr_matrix, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(columns,) the sum of these rows, each times its weight."""
    indptr = matrix.indptr
    if (indptr[rows + 1] - indptr[rows]).sum() > LONG * len(rows):
        parts = [slice(*ends) for ends in zip(indptr[rows], indptr[rows + 1], strict=True)]
        columns = np.concatenate([matrix.indices[part] for part in parts])
        told = zip(parts, weights.tolist(), strict=True)
        values = np.concatenate([matrix.data[part] * weight for part, weight in told])
    else:
        counts, cells = cells_of(matrix, rows)
        columns, values = matrix.indices[cells], np.repeat(weights, counts) * matrix.data[cells]
    return np.bincount(columns, values, minlength=matrix.shape[1])


def block_of(matrix: sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(rows, columns) dense; every column is asked for once."""
    counts, cells = cells_of(matrix, rows)
    place = np.full(matrix.shape[1], -1, dtype=np.int32)
    place[columns] = np.arange(len(columns))
    at = place[matrix.indices[cells]]
    there = np.flatnonzero(at >= 0)
    whose = np.searchsorted(np.cumsum(counts), there, side="right")
    block = np.zeros((len(rows), len(columns)))
    block[whose, at[there]] = matrix.data[cells[there]]
    return block
