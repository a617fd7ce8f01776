"""A kernel machine on examples: how like their words and how near their meaning.

Kernel ridge regression, one against the rest. The part by words is linear and collapses into
one weight a word; the part by meaning (radial, on the cosine) keeps one row an example.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

MOST = 11_000  # examples: the table of their likeness grows with the square
SHARPNESS = 4.0
RIDGE = 0.1


@dataclass(frozen=True)
class Solution:
    """words: (terms, labels) weights; meanings: (examples, labels) weights."""

    words: np.ndarray
    meanings: np.ndarray

    def scores(self, lexical: sparse.csr_matrix, cosines: np.ndarray) -> np.ndarray:
        """(rows, labels). cosines: (rows, examples)"""
        return np.asarray(lexical @ self.words + likeness(cosines) @ self.meanings)


def likeness(cosines: np.ndarray) -> np.ndarray:
    """Half the kernel: what nearness of meaning counts."""
    return np.asarray(0.5 * np.exp(SHARPNESS * (cosines - 1)))


def solve(
    lexical: sparse.csr_matrix,
    points: np.ndarray,
    signs: np.ndarray,
    worth: np.ndarray,
    first: int,
) -> tuple[Solution, Solution]:
    """One solution by the first rows, one by all of them, of one factorisation.

    signs: (rows, labels) 1 where the row has the label, else -1; worth: (rows,).
    """
    rare, near = lexical.astype(np.float32), points.astype(np.float32)
    table = likeness(near @ near.T).astype(np.float32)
    table += 0.25 * (rare @ rare.T).toarray()
    table[np.diag_indices(len(table))] += RIDGE / worth
    root = linalg.cholesky(table, lower=True, overwrite_a=True, check_finite=False)
    return _solved(root, first, rare, signs), _solved(root, len(root), rare, signs)


def _solved(root: np.ndarray, rows: int, lexical: sparse.csr_matrix, signs: np.ndarray) -> Solution:
    part = root[:rows, :rows]
    weights = signs[:rows].astype(np.float32)
    for turned in (0, 1):
        weights = linalg.solve_triangular(
            part, weights, lower=True, trans=turned, check_finite=False
        )
    return Solution(np.asarray(0.25 * (lexical[:rows].T @ weights)), weights)
