"""Interest that fades: every deed counts, and counts half as much after a half-life."""

from dataclasses import dataclass

import numpy as np

WEIGHTS = {"viewed": 1.0, "clicked": 1.0, "asked": 2.0, "added": 3.0, "wished": 3.0, "bought": 6.0}
DEEDS = tuple(WEIGHTS)


@dataclass(frozen=True)
class Tags:
    """The strongest tags of each customer, best first; arrays of one length.

    counts: (tags, DEEDS) how often each deed stands behind a tag.
    """

    customers: np.ndarray
    tags: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    youngest: np.ndarray  # age of the newest deed, in days


def strongest(
    customers: np.ndarray,
    tags: np.ndarray,
    deeds: np.ndarray,
    ages: np.ndarray,
    *,
    half_life: float,
    most: int,
) -> Tags:
    """Sum what each deed is worth now by customer and tag; keep the `most` heaviest of each.

    customers, tags, deeds: whole numbers, one of each per deed and tag; `deeds` are places in
    DEEDS. ages: days, not negative. Ties go to the smaller tag, so that order does not matter.
    """
    worth = np.array(list(WEIGHTS.values()))[deeds] * 2.0 ** (-ages / half_life)
    pairs = np.stack([customers, tags], axis=1).reshape(-1, 2)
    found, place = np.unique(pairs, axis=0, return_inverse=True)
    place = place.ravel()
    # Added in one fixed order: a sum of floats would depend on it in the last digit.
    order = np.lexsort((worth, deeds, place))
    weights = np.bincount(place[order], worth[order], minlength=len(found))
    counts = np.zeros((len(found), len(DEEDS)), dtype=np.int64)
    np.add.at(counts, (place, deeds), 1)
    youngest = np.full(len(found), np.inf)
    np.minimum.at(youngest, place, ages)
    ranked = np.lexsort((found[:, 1], -weights.round(9), found[:, 0]))
    owner = found[ranked, 0]
    starts = np.searchsorted(owner, owner)
    kept = ranked[np.arange(len(ranked)) - starts < most]
    return Tags(found[kept, 0], found[kept, 1], weights[kept], counts[kept], youngest[kept])
