"""What comes after what: transitions within a window of a customer's steps."""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender


class Sequential(Recommender):
    """A product scores how often it follows what the customer chose last.

    A pair that is d steps apart counts 1/d, up to `window` steps; things chosen at the very
    same moment follow each other both ways. Rows are divided by count ** 0.5 plus a shrinkage.
    """

    name: ClassVar[str] = "sequential"

    def __init__(
        self, *, window: int = 10, last: int = 10, fading: float = 0.8, shrinkage: float = 10.0
    ) -> None:
        self.window = window
        self.last = last
        self.fading = fading
        self.shrinkage = shrinkage

    def fit(self, interactions: Interactions) -> Self:
        customers, products, days = _in_order(interactions)
        size = interactions.shape[1]
        follows = sparse.csr_matrix((size, size))
        for apart in range(1, min(self.window, max(len(products) - 1, 0)) + 1):
            same = customers[apart:] == customers[:-apart]
            before, after = products[:-apart][same], products[apart:][same]
            at_once = days[apart:][same] == days[:-apart][same]
            weight = np.full(len(before), 1.0 / apart)
            pairs = sparse.csr_matrix((weight, (before, after)), shape=(size, size))
            back = sparse.csr_matrix(
                (weight[at_once], (after[at_once], before[at_once])), shape=(size, size)
            )
            follows = follows + pairs + back
        told = np.asarray(follows.sum(axis=1)).ravel()
        heard = np.asarray(follows.sum(axis=0)).ravel()
        follows = sparse.diags(1.0 / (np.sqrt(told) + self.shrinkage)) @ follows
        self.follows_ = sparse.csr_matrix(follows @ sparse.diags((1.0 + heard) ** -0.25))
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.asarray((self._lately(rows) @ self.follows_).todense())

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = self._lately(row)
        return np.asarray(weights.data * self.follows_[weights.indices, product].toarray().ravel())

    def _lately(self, rows: Interactions) -> sparse.csr_matrix:
        """(rows, products) weight of each of a customer's last steps; cells as in rows."""
        customers, products, _ = _in_order(rows)
        ends = np.searchsorted(customers, customers, side="right")
        back = ends - 1 - np.arange(len(customers))
        weight = np.where(back < self.last, self.fading**back, 0.0)
        return sparse.csr_matrix((weight, (customers, products)), shape=rows.shape)


def _in_order(interactions: Interactions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(customers, products, days) of every cell, by customer and then by time."""
    cells = interactions.values.tocoo()
    order = np.lexsort((cells.col, interactions.days, cells.row))
    return cells.row[order], cells.col[order], interactions.days[order]
