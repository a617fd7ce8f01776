"""An inner window on later time, cut from the training data, to judge recommenders by."""

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions, Log

SHARE = 0.2  # of the rows that are held back
LIKED = 0.8  # of the highest rating, from which a rating is a wish
RETURNING = 0.5  # of the later rows that must be of earlier customers for one cut to be fair


def hold_back(
    interactions: Interactions, *, repeats: bool = False, by_chance: bool = False, seed: int = 0
) -> tuple[Interactions, sparse.csr_matrix]:
    """Split into (earlier, later); later is (customers, products), ones where something is wished.

    One cut in time for all, as in serving, wherever customers come back after it; else (visitors
    who rate for an hour and never return) the last part of every customer's own row. With
    `by_chance`, or where no times are known, a part of every row at random.
    Without `repeats` later holds only what is new to the customer.
    """
    if by_chance or not len(interactions.days) or np.ptp(interactions.days) == 0:
        return _by_customer(
            interactions, np.random.default_rng(seed).random(len(interactions.days))
        )
    log = interactions.log
    if log is not None:
        is_later = log.days >= float(np.quantile(log.days, 1.0 - SHARE))
        returning = np.isin(log.customers[is_later], log.customers[~is_later])
        if returning.mean() >= RETURNING:
            return _at_moment(interactions, log, is_later, repeats)
    return _by_customer(interactions, interactions.days)


def has_repeats(interactions: Interactions) -> bool:
    """Whether any customer is seen to choose a product a second time."""
    log = interactions.log
    return log is not None and len(log.days) > interactions.values.nnz


def _at_moment(
    interactions: Interactions, log: Log, is_later: np.ndarray, repeats: bool
) -> tuple[Interactions, sparse.csr_matrix]:
    kept = ~is_later
    earlier = Interactions.from_rows(
        (log.customers[kept], log.products[kept]),
        log.values[kept],
        log.days[kept],
        shape=interactions.shape,
        features=interactions.features,
        explicit=interactions.explicit,
        graded=interactions.graded,
    )
    after = Interactions.from_rows(
        (log.customers[is_later], log.products[is_later]),
        log.values[is_later],
        log.days[is_later],
        shape=interactions.shape,
        explicit=interactions.explicit,
        graded=interactions.graded,
    )
    later = after.touched().multiply(_wished(after, interactions)).tocsr()
    later.eliminate_zeros()
    if not repeats:
        later = sparse.csr_matrix(later - later.multiply(earlier.touched()))
        later.eliminate_zeros()
    known = (np.diff(earlier.values.indptr) > 0).astype(float)
    later = sparse.csr_matrix(sparse.diags(known) @ later)
    later.eliminate_zeros()
    return earlier, later


def _wished(after: Interactions, whole: Interactions) -> sparse.csr_matrix:
    if not whole.explicit or not after.values.nnz:
        return after.touched()
    return sparse.csr_matrix(after.values >= LIKED * whole.values.data.max()).astype(float)


def _by_customer(
    interactions: Interactions, moments: np.ndarray
) -> tuple[Interactions, sparse.csr_matrix]:
    cells = interactions.values.tocoo()
    order = np.lexsort((cells.col, moments, cells.row))
    position = np.empty(len(order), int)
    position[order] = np.arange(len(order)) - interactions.values.indptr[cells.row[order]]
    count = np.diff(interactions.values.indptr)[cells.row]
    # Customers with fewer than three cells keep them all.
    held = np.maximum((count * SHARE).astype(int), 1)
    is_later = (position >= count - held) & (count >= 3)
    wished = is_later
    if interactions.explicit and len(cells.data):
        wished = is_later & (cells.data >= LIKED * cells.data.max())
    later = sparse.csr_matrix(
        (np.ones(int(wished.sum())), (cells.row[wished], cells.col[wished])),
        shape=interactions.shape,
    )
    return interactions.keep(~is_later), later
