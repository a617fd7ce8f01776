"""A kernel machine on examples: how like their words and how near their meaning.

Kernel ridge regression, one against the rest. The part by words is linear and collapses into
one weight a word; the part by meaning (radial, on the cosine) keeps one row an example. How much
words count is chosen by leaving out each of some examples in turn, which ridge regression has
in closed form (Rifkin and Lippert 2007).
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

MOST = 16_000  # examples: the table of their likeness grows with the square
SHARPNESS = 3.0
RIDGE = 0.1
SHARES = (0.1, 0.2, 0.35)  # of words; the few examples there are, the less their words tell
TRIED_ON = 2_000  # examples
AT_ONCE = 1_000  # rows of the table


@dataclass(frozen=True)
class Examples:
    """lexical: (rows, terms), two parts of unit length each; points: (rows, width) of unit length;
    signs: (rows, labels) 1 where the row has the label, else -1; worth: (rows,)."""

    lexical: sparse.csr_matrix
    points: np.ndarray
    signs: np.ndarray
    worth: np.ndarray

    def some(self, rows: np.ndarray) -> "Examples":
        return Examples(self.lexical[rows], self.points[rows], self.signs[rows], self.worth[rows])


@dataclass(frozen=True)
class Solution:
    """words: (terms, labels) weights; meanings: (examples, labels) weights; left_out:
    (judged, labels) the scores of the last examples, each by all the others."""

    words: np.ndarray
    meanings: np.ndarray
    left_out: np.ndarray


def likeness(cosines: np.ndarray) -> np.ndarray:
    """What nearness of meaning counts."""
    return np.asarray(np.exp(SHARPNESS * (cosines - 1)))


def solve(examples: Examples, *, share: float, judged: int) -> Solution:
    """Weights by all examples; `share` is how much words count, the rest is meaning."""
    table = _table(examples, share)
    # The table is symmetric: seen from its other side it is factorised where it stands.
    root = linalg.cholesky(table.T, lower=True, overwrite_a=True, check_finite=False)
    weights = examples.signs.astype(np.float32)
    for turned in (0, 1):
        weights = linalg.solve_triangular(
            root, weights, lower=True, trans=turned, check_finite=False
        )
    words = 0.5 * share * (examples.lexical.T @ weights)
    left_out = _left_out(root, weights, examples.signs, judged)
    return Solution(np.asarray(words), (1 - share) * weights, left_out)


def best_share(examples: Examples, rng: np.random.Generator) -> float:
    """How much words should count: with which share most are right when left out."""
    number = len(examples.worth)
    some = examples.some(rng.permutation(number)[:TRIED_ON])
    truth = some.signs.argmax(axis=1)
    tried = [solve(some, share=share, judged=len(truth)).left_out for share in SHARES]
    return SHARES[int(np.argmax([(said.argmax(axis=1) == truth).mean() for said in tried]))]


def _table(examples: Examples, share: float) -> np.ndarray:
    """(rows, rows) likeness, and on the diagonal how little each row is trusted."""
    points, lexical = examples.points.astype(np.float32), examples.lexical.astype(np.float32)
    table = np.empty((len(points), len(points)), np.float32)
    columns = lexical.T.tocsr()
    for start in range(0, len(points), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        table[rows] = (1 - share) * likeness(points[rows] @ points.T)
        table[rows] += 0.5 * share * (lexical[rows] @ columns).toarray()
    table[np.diag_indices(len(table))] += RIDGE / examples.worth
    return table


def _left_out(root: np.ndarray, weights: np.ndarray, signs: np.ndarray, judged: int) -> np.ndarray:
    """The last rows' part of the inverse needs the last rows of the root alone."""
    first = len(root) - judged
    inverse = linalg.solve_triangular(
        root[first:, first:], np.eye(judged, dtype=np.float32), lower=True, check_finite=False
    )
    return np.asarray(signs[first:] - weights[first:] / (inverse**2).sum(axis=0)[:, None])
