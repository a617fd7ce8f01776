"""The shape of every recommender: fit on interactions, score rows of customers.

The constructor stores settings. `fit` returns itself and names what it learned with a trailing
underscore; `state` and `from_state`, written once here, carry exactly those names over.
"""

from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from crm.ml.estimator import State
from recommendations.ml.interactions import Interactions

PARTS = ("data", "indices", "indptr", "shape")


class Recommender:
    """A customer is a row of the products they touched; a higher score is a better product."""

    name: ClassVar[str]
    format: ClassVar[int] = 1

    def fit(self, interactions: Interactions) -> Self:
        """Learn from (customers, products). Leaves its input alone and returns itself."""
        raise NotImplementedError

    def score(self, rows: Interactions) -> np.ndarray:
        """(rows, products) float scores. Rows need not be customers that were fitted on."""
        raise NotImplementedError

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        """(cells of the row,) what each earlier choice adds to the score of this product.

        None where the score is not made of earlier choices. `row` is one customer.
        """
        return None

    def state(self) -> State:
        arrays: dict[str, np.ndarray] = {}
        settings: dict[str, Any] = {}
        for name, value in vars(self).items():
            if not name.endswith("_"):
                settings[name] = value
            elif sparse.issparse(value):
                matrix = value.tocsr()
                for part in PARTS:
                    arrays[f"{name}.{part}"] = np.asarray(getattr(matrix, part))
            else:
                arrays[name] = np.asarray(value)
        return State(arrays, settings)

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        for name, value in _joined(state.arrays).items():
            setattr(self, name, value)
        return self


def _joined(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for name, value in arrays.items():
        base, _, part = name.partition(".")
        if not part:
            joined[base] = value
        elif part == "data":
            data, indices, indptr, shape = (arrays[f"{base}.{one}"] for one in PARTS)
            joined[base] = sparse.csr_matrix((data, indices, indptr), shape=tuple(shape))
    return joined


def strongest(matrix: sparse.csr_matrix, k: int) -> sparse.csr_matrix:
    """Keep the k largest entries of every row (ties by column)."""
    matrix = matrix.tocsr()
    kept = []
    for row in range(matrix.shape[0]):
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        if end - start > k:
            best = np.argpartition(-matrix.data[start:end], k - 1)[:k]
            kept.append(start + np.sort(best))
        else:
            kept.append(np.arange(start, end))
    cells = np.concatenate(kept) if kept else np.arange(0)
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in kept])])
    return sparse.csr_matrix(
        (matrix.data[cells], matrix.indices[cells], indptr), shape=matrix.shape
    )
