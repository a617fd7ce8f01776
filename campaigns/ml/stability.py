"""Whether numbers are distributed as they were: the population stability index."""

import numpy as np

SHIFTED = 0.25  # the usual bound of a shift that calls for a look (Siddiqi 2006)
PARTS = 10
SMALLEST = 1e-3  # share of a part, so that an empty one counts and does not rule


def index(before: np.ndarray, now: np.ndarray, *, parts: int = PARTS) -> float:
    """Σ (now - before) · ln(now / before) over parts with equally many of `before`.

    (n,) and (m,) numbers; values that come often are parts of their own. By luck alone it is about
    (parts - 1) · (1/n + 1/m), which is taken off. Raises ValueError where one is empty.
    """
    if not len(before) or not len(now):
        raise ValueError("nothing to compare")
    edges = np.unique(np.quantile(before, np.arange(1, parts) / parts))
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, one), minlength=len(edges) + 1), 0) / len(one)
        for one in (before, now)
    ]
    was, is_now = (np.maximum(share, SMALLEST) for share in shares)
    luck = len(edges) * (1 / len(before) + 1 / len(now))
    return max(float(((is_now - was) * np.log(is_now / was)).sum()) - luck, 0.0)
