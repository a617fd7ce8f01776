"""What lists are beyond accurate: who is shown, how new, how varied, how true to each taste.

Lists are `ranked`, (rows, n) columns, best first, -1 where a place is empty, as `best_of_rows`
gives them. Figures of a row are NaN where it has nothing to say, and left out of every mean.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommendations.ml.ranking import hits

SMOOTHING = 0.01  # share of the taste mixed into the list, or an absent kind is infinitely far
AT_ONCE = 100  # resamples held in memory together


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with a bootstrap interval; `sure` where zero is outside it."""

    mean: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        return self.low > 0.0 or self.high < 0.0


def difference(
    first: np.ndarray,
    second: np.ndarray,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    rounds: int = 2_000,
) -> Difference:
    """Mean of first - second over customers, resampled with replacement (Efron 1979).

    first, second: (customers,) figures of the same customers under two lists, such as `ndcg`.
    """
    apart = np.asarray(first, float) - np.asarray(second, float)
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return Difference(0.0, 0.0, 0.0)
    share = np.full(len(apart), 1.0 / len(apart))
    means = np.empty(rounds)
    for start in range(0, rounds, AT_ONCE):
        size = min(AT_ONCE, rounds - start)
        means[start : start + size] = rng.multinomial(len(apart), share, size) @ apart / len(apart)
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Difference(float(apart.mean()), float(low), float(high))


def recall(ranked: np.ndarray, relevant: sparse.csr_matrix, *, n: int = 10) -> np.ndarray:
    """(rows with anything relevant,) share of the relevant found in the first n places."""
    counts = np.diff(relevant.indptr)
    rows = counts > 0
    found = hits(ranked[:, :n], relevant)[rows].sum(axis=1)
    return np.asarray(found / counts[rows])


def reciprocal_rank(ranked: np.ndarray, relevant: sparse.csr_matrix, *, n: int = 10) -> np.ndarray:
    """(rows with anything relevant,) one over the place of the first hit, 0 for none."""
    hit = hits(ranked[:, :n], relevant)[np.diff(relevant.indptr) > 0]
    if not hit.size:
        return np.zeros(len(hit))
    return np.where(hit.any(axis=1), 1.0 / (hit.argmax(axis=1) + 1.0), 0.0)


def exposure(ranked: np.ndarray, products: int) -> np.ndarray:
    """(products,) how many lists show each product."""
    return np.bincount(ranked[ranked >= 0], minlength=products)


def coverage(ranked: np.ndarray, products: int) -> float:
    """Share of the catalogue that is in any list."""
    return float((exposure(ranked, products) > 0).mean()) if products else 0.0


def gini(ranked: np.ndarray, products: int) -> float:
    """Inequality of exposure over the whole catalogue: 0 all alike, towards 1 one takes all."""
    shown = np.sort(exposure(ranked, products)).astype(float)
    if not shown.sum():
        return 0.0
    place = np.arange(1, products + 1)
    return float(((2 * place - products - 1) @ shown) / (products * shown.sum()))


def novelty(ranked: np.ndarray, chosen: sparse.csr_matrix) -> np.ndarray:
    """(rows,) mean self-information -log2 p of the products of a list (Zhou et al. 2010).

    chosen: (customers, products) what was chosen; p is the share of customers, at least one half
    of a customer so that a product nobody chose is finite.
    """
    buyers = np.bincount(chosen.indices, minlength=chosen.shape[1])
    share = np.maximum(buyers, 0.5) / max(chosen.shape[0], 1)
    return _mean_of_places(-np.log2(share)[ranked], ranked)


def similarity(ranked: np.ndarray, features: sparse.csr_matrix) -> np.ndarray:
    """(rows,) mean cosine of all pairs of a list; 1 less this is the intra-list diversity.

    features: (products, features), of any length. The pairs are never formed: the squared length
    of the sum of unit vectors is their number plus twice the cosines.
    """
    length = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    unit = sparse.csr_matrix(sparse.diags(1.0 / np.maximum(length, 1e-12)) @ features)
    chosen = _chosen(ranked, features.shape[0])
    total = sparse.csr_matrix(chosen @ unit)
    squares = np.asarray(total.multiply(total).sum(axis=1)).ravel()
    own = np.asarray(chosen @ (length > 0).astype(float)).ravel()
    count = np.asarray(chosen.sum(axis=1)).ravel()
    pairs = count * (count - 1.0)
    return np.divide(squares - own, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def calibration(
    ranked: np.ndarray, history: sparse.csr_matrix, kinds: sparse.csr_matrix
) -> np.ndarray:
    """(rows,) KL divergence of a list's kinds from those of the history, 0 is true (Steck 2018).

    history: (rows, products) weights of what the same customers chose; kinds: (products, kinds)
    genres or categories, shared out so that every product counts once.
    """
    total = np.asarray(kinds.sum(axis=1)).ravel()
    shares = sparse.csr_matrix(sparse.diags(1.0 / np.where(total > 0, total, 1.0)) @ kinds)
    taste = _rows_to_one((history @ shares).toarray())
    shown = _rows_to_one((_chosen(ranked, kinds.shape[0]) @ shares).toarray())
    mixed = (1.0 - SMOOTHING) * shown + SMOOTHING * taste
    told = taste > 0
    ratio = np.divide(taste, mixed, out=np.ones_like(taste), where=told)
    apart = (taste * np.log2(ratio)).sum(axis=1)
    return np.where(told.any(axis=1) & (shown.sum(axis=1) > 0), apart, np.nan)


def _chosen(ranked: np.ndarray, products: int) -> sparse.csr_matrix:
    """(rows, products) ones where a product is in the list."""
    row, place = np.nonzero(ranked >= 0)
    return sparse.csr_matrix(
        (np.ones(len(row)), (row, ranked[row, place])), shape=(len(ranked), products)
    )


def _mean_of_places(values: np.ndarray, ranked: np.ndarray) -> np.ndarray:
    filled = ranked >= 0
    count = filled.sum(axis=1)
    total = np.where(filled, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _rows_to_one(weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1.0))
