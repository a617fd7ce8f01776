"""What comes after what: transitions within a window of a customer's steps, counted or solved."""

from typing import ClassVar, Self

import numpy as np
from scipy import linalg, sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender

COMMON = 0.1  # how far what follows everything is held back
AT_ONCE = 50_000  # steps whose past and future are held in memory together


class Sequential(Recommender):
    """A product scores how often it follows what the customer chose last.

    A pair that is d steps apart counts d ** -nearness, up to `window` steps; things chosen at the
    very same moment follow each other both ways, others backwards with weight `back`. Rows are
    divided by count ** 0.5 plus a shrinkage, columns by count ** COMMON.
    """

    name: ClassVar[str] = "sequential"

    def __init__(
        self,
        *,
        window: int = 20,
        last: int = 10,
        fading: float = 0.8,
        nearness: float = 1.0,
        back: float = 0.0,
        shrinkage: float = 10.0,
    ) -> None:
        self.window = window
        self.last = last
        self.fading = fading
        self.nearness = nearness
        self.back = back
        self.shrinkage = shrinkage

    def fit(self, interactions: Interactions) -> Self:
        customers, products, days = in_order(interactions)
        size = interactions.shape[1]
        follows = sparse.csr_matrix((size, size))
        for apart in range(1, min(self.window, max(len(products) - 1, 0)) + 1):
            same = customers[apart:] == customers[:-apart]
            before, after = products[:-apart][same], products[apart:][same]
            at_once = days[apart:][same] == days[:-apart][same]
            weight = np.full(len(before), float(apart) ** -self.nearness)
            pairs = sparse.csr_matrix((weight, (before, after)), shape=(size, size))
            back = sparse.csr_matrix(
                (np.where(at_once, weight, self.back * weight), (after, before)), shape=(size, size)
            )
            follows = follows + pairs + back
        told = np.asarray(follows.sum(axis=1)).ravel()
        heard = np.asarray(follows.sum(axis=0)).ravel()
        follows = sparse.diags(1.0 / (np.sqrt(told) + self.shrinkage)) @ follows
        self.follows_ = sparse.csr_matrix(follows @ sparse.diags((1.0 + heard) ** -COMMON))
        self.follows_.eliminate_zeros()
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.asarray((self._lately(rows) @ self.follows_).todense())

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = self._lately(row)
        return np.asarray(weights.data * self.follows_[weights.indices, product].toarray().ravel())

    def _lately(self, rows: Interactions) -> sparse.csr_matrix:
        """(rows, products) weight of each of a customer's last steps; cells as in rows."""
        customers, products, _ = in_order(rows)
        ends = np.searchsorted(customers, customers, side="right")
        back = ends - 1 - np.arange(len(customers))
        weight = np.where(back < self.last, self.fading**back, 0.0)
        return sparse.csr_matrix((weight, (customers, products)), shape=rows.shape)


class LinearTransitions(Recommender):
    """From the faded past to the faded future by ridge regression: SLIT (Choi et al. 2021).

    B = (X'X + l2 I)^-1 X'Y: every step of every customer is a row, X what was chosen until then,
    `past` to the power of the steps back, Y what came next, `next` to the power of the steps on.
    """

    name: ClassVar[str] = "linear-transitions"

    def __init__(
        self,
        *,
        l2: float = 200.0,
        past: float = 0.8,
        back: int = 30,
        next: float = 0.5,  # noqa: A002
        ahead: int = 10,
        fading: float = 0.9,
    ) -> None:
        self.l2 = l2
        self.past = past
        self.back = back
        self.next = next
        self.ahead = ahead
        self.fading = fading

    def fit(self, interactions: Interactions) -> Self:
        customers, products, _ = in_order(interactions)
        size = interactions.shape[1]
        gram, leads = self.l2 * np.eye(size), np.zeros((size, size))
        for start in range(0, len(products), AT_ONCE):
            steps = np.arange(start, min(start + AT_ONCE, len(products)))
            shifts = range(min(self.back, len(products)))
            until = _beside(customers, products, steps, {-d: self.past**d for d in shifts}, size)
            shifts = range(1, self.ahead + 1)
            after = _beside(
                customers, products, steps, {d: self.next ** (d - 1) for d in shifts}, size
            )
            gram += (until.T @ until).toarray()
            leads += (until.T @ after).toarray()
        solved = linalg.cho_solve(linalg.cho_factor(gram, lower=True, overwrite_a=True), leads)
        self.leads_ = solved.astype(np.float32)
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.asarray(rows.weights(fading=self.fading) @ self.leads_, dtype=float)

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = row.weights(fading=self.fading)
        return np.asarray(weights.data * self.leads_[weights.indices, product])


def in_order(interactions: Interactions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(customers, products, days) of every cell, by customer and then by time."""
    cells = interactions.values.tocoo()
    order = np.lexsort((cells.col, interactions.days, cells.row))
    return cells.row[order], cells.col[order], interactions.days[order]


def _beside(
    customers: np.ndarray,
    products: np.ndarray,
    steps: np.ndarray,
    weights: dict[int, float],
    size: int,
) -> sparse.csr_matrix:
    """(steps, size) what the same customer chose so many steps from each step, weighted."""
    rows, columns, values = [], [], []
    for shift, weight in weights.items():
        there = steps + shift
        inside = np.flatnonzero((there >= 0) & (there < len(products)))
        inside = inside[customers[there[inside]] == customers[steps[inside]]]
        rows.append(inside)
        columns.append(products[there[inside]])
        values.append(np.full(len(inside), weight))
    cells = np.concatenate(rows), np.concatenate(columns)
    return sparse.csr_matrix((np.concatenate(values), cells), shape=(len(steps), size))
