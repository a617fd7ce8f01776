"""An inner window on later time, cut from the training data, to judge recommenders by."""

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions, Log

SHARE = 0.2  # of the rows that are held back
LIKED = 0.8  # of the highest rating, from which a rating is a wish
LONG = 8  # choices of a row whose first few can be asked what follows
NEWCOMERS = 0.15  # of the customers, kept from teaching to be judged by their first steps
MOST_NEWCOMERS = 250
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
    earlier, questions = asked_of(interactions, repeats=repeats, by_chance=by_chance, seed=seed)
    return earlier, questions[0]


def asked_of(
    interactions: Interactions, *, repeats: bool = False, by_chance: bool = False, seed: int = 0
) -> tuple[Interactions, list[sparse.csr_matrix]]:
    """(earlier, questions): `later` of `hold_back`, and where every row is cut by its own time
    also the very next choice: the first step is another question than the whole fifth."""
    if by_chance or not len(interactions.days) or np.ptp(interactions.days) == 0:
        chance = np.random.default_rng(seed).random(len(interactions.days))
        earlier, later = _by_customer(interactions, chance)
        return earlier, [later]
    log = interactions.log
    if log is not None:
        is_later = _is_later(log)
        if _return(log, is_later):
            earlier, later = _at_moment(interactions, log, is_later, repeats)
            return earlier, [later]
    earlier, later = _by_customer(interactions, interactions.days)
    return earlier, [later, _next(interactions, earlier)]


def newcomers(interactions: Interactions, *, rng: np.random.Generator) -> np.ndarray:
    """Customers to be kept from teaching wholly, so that their first steps are new to it."""
    long_enough = np.flatnonzero(np.diff(interactions.values.indptr) >= LONG)
    most = min(MOST_NEWCOMERS, int(len(long_enough) * NEWCOMERS))
    return np.sort(rng.choice(long_enough, most, replace=False))


def without(interactions: Interactions, customers: np.ndarray) -> Interactions:
    """The same table with the rows of these customers empty."""
    row = np.repeat(np.arange(interactions.shape[0]), np.diff(interactions.values.indptr))
    return interactions.keep(~np.isin(row, customers))


def first_steps(
    rows: Interactions, n: int, *, rng: np.random.Generator | None = None
) -> tuple[Interactions, sparse.csr_matrix]:
    """(the first n choices of every row, ones where the row chooses later); with rng any n."""
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.values.indptr))
    moments = rows.days if rng is None else rng.random(len(rows.days))
    order = np.lexsort((rows.values.indices, moments, row))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order)) - rows.values.indptr[row[order]]
    later = sparse.csr_matrix(
        (np.ones(int((place >= n).sum())), (row[place >= n], rows.values.indices[place >= n])),
        shape=rows.shape,
    )
    first = rows.keep(place < n)
    return Interactions(first.values, first.days, rows.today, rows.features, rows.explicit), later


def has_repeats(interactions: Interactions) -> bool:
    """Whether any customer is seen to choose a product a second time."""
    log = interactions.log
    return log is not None and len(log.days) > interactions.values.nnz


def hides_repeats(interactions: Interactions) -> bool:
    """Whether customers return, as they do to a shop, and yet no product is chosen twice."""
    log = interactions.log
    if log is None or has_repeats(interactions) or interactions.explicit or not len(log.days):
        return False
    return bool(np.ptp(log.days)) and _return(log, _is_later(log))


def _is_later(log: Log) -> np.ndarray:
    return np.asarray(log.days >= float(np.quantile(log.days, 1.0 - SHARE)))


def _return(log: Log, is_later: np.ndarray) -> bool:
    returning = np.isin(log.customers[is_later], log.customers[~is_later])
    return bool(returning.mean() >= RETURNING)


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


def _next(interactions: Interactions, earlier: Interactions) -> sparse.csr_matrix:
    """(customers, products) ones at the first choice of every row that is not in earlier."""
    cells = interactions.values.tocoo()
    left = np.asarray(earlier.touched()[cells.row, cells.col]).ravel() == 0
    order = np.lexsort((cells.col[left], interactions.days[left], cells.row[left]))
    row, column = cells.row[left][order], cells.col[left][order]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    return sparse.csr_matrix(
        (np.ones(len(first)), (row[first], column[first])), shape=interactions.shape
    )


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
