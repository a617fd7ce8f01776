"""From scores to a list: the best n, without the seen, not all alike. And how good lists are."""

import numpy as np
from scipy import sparse


def best(scores: np.ndarray, *, n: int, exclude: np.ndarray) -> np.ndarray:
    """Return the columns of the n highest scores, best first, without the excluded.

    scores: (products,); exclude: column numbers. Ties go to the lower column.
    """
    scores = np.where(np.isfinite(scores), scores, -np.inf)
    scores[exclude] = -np.inf
    order: np.ndarray = np.argsort(-scores, kind="stable")[: max(n, 0)]
    kept: np.ndarray = order[np.isfinite(scores[order])]
    return kept


def best_of_rows(scores: np.ndarray, *, n: int, seen: sparse.csr_matrix | None) -> np.ndarray:
    """(rows, n) columns of the highest scores of every row, best first; -1 where none is left.

    scores: (rows, products); seen: (rows, products), whose nonzero cells are left out.
    """
    scores = np.where(np.isfinite(scores), scores, -np.inf)
    if seen is not None:
        cells = seen.tocoo()
        scores[cells.row, cells.col] = -np.inf
    n = min(max(n, 0), scores.shape[1])
    if n == 0:
        return np.zeros((len(scores), 0), dtype=int)
    part = np.argpartition(-scores, n - 1, axis=1)[:, :n] if n < scores.shape[1] else None
    columns = np.sort(part, axis=1) if part is not None else np.tile(np.arange(n), (len(scores), 1))
    value = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-value, axis=1, kind="stable")
    ranked = np.take_along_axis(columns, order, axis=1)
    return np.where(np.isfinite(np.take_along_axis(value, order, axis=1)), ranked, -1)


def diverse(scores: np.ndarray, likeness: np.ndarray, *, n: int, trade: float) -> np.ndarray:
    """Marginal relevance (after Carbonell, Goldstein 1998): positions of n, best score first.

    Each in turn is the best by rank less its mean likeness to what is chosen: a list as a whole
    is alike by the mean of its pairs, and what a rank is worth falls with its logarithm whatever
    the distances of scores. In which order they were chosen says nothing of their worth.
    scores: (candidates,); likeness: (candidates, candidates) in [0, 1];
    trade: 1 is by rank alone, 0 by difference alone.
    """
    rank = np.argsort(np.argsort(-scores, kind="stable"), kind="stable")
    relevance = 1.0 - np.log1p(rank) / np.log1p(max(len(scores), 1))
    chosen: list[int] = []
    alike = np.zeros(len(scores))
    for _ in range(min(max(n, 0), len(scores))):
        gain = trade * relevance - (1.0 - trade) * alike / max(len(chosen), 1)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
        alike = alike + likeness[chosen[-1]]
    found = np.array(chosen, dtype=int)
    return found[np.lexsort((found, -scores[found]))]


def quality(ranked: np.ndarray, relevant: sparse.csr_matrix, *, n: int = 10) -> dict[str, float]:
    """NDCG@n (binary gain, ideal cut at min(n, relevant)), Recall@n, MRR and coverage.

    ranked: (rows, ≥n) columns, -1 for none; relevant: (rows, products), nonzero is relevant.
    Rows without anything relevant are left out; with no such row every figure is zero.
    """
    gains = ndcg(ranked, relevant, n=n)
    counts = np.diff(relevant.indptr)
    rows = counts > 0
    hit = hits(ranked[:, :n], relevant)[rows]
    if not len(hit):
        return {f"ndcg@{n}": 0.0, f"recall@{n}": 0.0, "mrr": 0.0, "coverage": 0.0}
    first = np.where(hit.any(axis=1), 1.0 / (hit.argmax(axis=1) + 1.0), 0.0)
    shown = np.unique(ranked[rows][:, :n])
    return {
        f"ndcg@{n}": float(gains.mean()),
        f"recall@{n}": float((hit.sum(axis=1) / counts[rows]).mean()),
        "mrr": float(first.mean()),
        "coverage": float((shown >= 0).sum() / relevant.shape[1]),
    }


def ndcg(ranked: np.ndarray, relevant: sparse.csr_matrix, *, n: int = 10) -> np.ndarray:
    """(rows with anything relevant,) NDCG@n of each."""
    counts = np.diff(relevant.indptr)
    rows = counts > 0
    hit = hits(ranked[:, :n], relevant)[rows]
    discount = 1.0 / np.log2(np.arange(2, n + 2))
    ideal = np.cumsum(discount)[np.minimum(counts[rows], n) - 1]
    return np.asarray((hit * discount[: hit.shape[1]]).sum(axis=1) / ideal)


def hits(ranked: np.ndarray, relevant: sparse.csr_matrix) -> np.ndarray:
    """(rows, places) whether the product in that place is relevant."""
    cells = np.asarray(relevant.astype(bool)[np.arange(len(ranked))[:, None], ranked].todense())
    return cells & (ranked >= 0)
