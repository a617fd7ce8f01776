"""Where the rows of a table change as time goes on, and which rows lie beyond what was seen."""

from collections.abc import Sequence

import numpy as np

from crm.ml.judging import DRIFTED, stability

PARTS = 5
FEWEST_ROWS = 500  # in order, before fifths of them say anything


def drifting(matrix: np.ndarray, levels: Sequence[int]) -> np.ndarray:
    """(columns,) whether fifths of the rows, taken in order, differ in the column."""
    if len(matrix) < FEWEST_ROWS:
        return np.zeros(matrix.shape[1], dtype=bool)
    fifth = np.arange(len(matrix)) * PARTS // len(matrix)
    apart = [
        np.mean(
            [
                stability(column[fifth != part], column[fifth == part], levels=levels[place])
                for part in range(PARTS)
            ]
        )
        for place, column in enumerate(matrix.T)
    ]
    return np.asarray(np.array(apart) > DRIFTED)


class Seen:
    """The reach of the drifting columns of numbers in the training rows."""

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.low, self.high = low, high

    @classmethod
    def of(cls, matrix: np.ndarray, watched: np.ndarray) -> "Seen":
        low, high = np.full(len(watched), -np.inf), np.full(len(watched), np.inf)
        for place in np.flatnonzero(watched):
            filled = matrix[~np.isnan(matrix[:, place]), place]
            if len(filled):
                low[place], high[place] = filled.min(), filled.max()
        return cls(low, high)

    def beyond(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) whether any watched number lies below or above all that was seen."""
        return np.asarray(((matrix < self.low) | (matrix > self.high)).any(axis=1))
