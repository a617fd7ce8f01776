"""Groups by density: DBSCAN and HDBSCAN, on cells where there are too many customers for points.

A cell is a small cube of the space; it stands at the mean of its customers and weighs as many.
How many neighbours make a crowd grows with the number of customers, so that twice the same
customers are the same groups.
"""

from dataclasses import dataclass

import numpy as np

EXACT = 20_000  # points up to which nothing is put into cells
CELLS = 30_000  # occupied cells that are aimed at; more are more exact, and slower
FINEST = 0.25  # side of a cell in radii; a finer one would only cost time
COARSEST = 1.0
ASKED = 2_000  # points whose distance to their neighbours chooses the radius
SAMPLED = 5_000  # points that HDBSCAN, whose work grows with the square, is shown
WITHIN = 0.9  # of the points are in a crowd of this radius: the knee of the k-distance curve


@dataclass(frozen=True)
class Cells:
    """centres: (cells, features) mean of their points; weights; of_point: (points,) its cell."""

    centres: np.ndarray
    weights: np.ndarray
    of_point: np.ndarray


def by_density(points: np.ndarray, *, method: str, seed: int = 0) -> np.ndarray:
    """(customers,) labels by DBSCAN or HDBSCAN; -1 belongs to none. Points are standardised."""
    fewest = crowd(len(points), points.shape[1])
    if len(points) <= fewest:
        return np.full(len(points), -1)
    if method == "hdbscan":
        return _hdbscan(points, seed=seed)
    return dbscan(points, radius=radius(points, fewest, seed=seed), fewest=fewest)


def crowd(points: int, features: int) -> int:
    """How many neighbours make a crowd among so many points."""
    return max(int(np.clip(points // 100, 2 * features, 50)), points // 2_000)


def radius(points: np.ndarray, fewest: int, *, seed: int) -> float:
    """The distance within which most points have so many neighbours, from a sample of all."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(seed)
    kept = points if len(points) <= EXACT else points[rng.choice(len(points), EXACT, replace=False)]
    scaled = max(round(fewest * len(kept) / len(points)), 2)
    asked = kept[rng.permutation(len(kept))[:ASKED]]
    reach, _ = cKDTree(kept).query(asked, k=[min(scaled, len(kept))])
    return max(float(np.quantile(reach[:, -1], WITHIN)), 1e-9)


def dbscan(points: np.ndarray, *, radius: float, fewest: int) -> np.ndarray:
    """DBSCAN (Ester et al. 1996): exact up to EXACT points, of weighted cells beyond."""
    if len(points) <= EXACT:
        cells = Cells(points, np.ones(len(points)), np.arange(len(points)))
    else:
        cells = _cells(points, radius)
    return np.asarray(_dbscan_of(cells, radius, fewest)[cells.of_point])


def _dbscan_of(cells: Cells, radius: float, fewest: int) -> np.ndarray:
    """(cells,) labels: crowded cells within the radius of each other are one group."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count = len(cells.weights)
    pairs = cKDTree(cells.centres).query_pairs(radius, output_type="ndarray")
    one, other = pairs[:, 0], pairs[:, 1]
    near = cells.weights + np.bincount(one, cells.weights[other], count)
    near += np.bincount(other, cells.weights[one], count)
    core = near >= fewest
    both = core[one] & core[other]
    joined = coo_matrix((np.ones(int(both.sum())), (one[both], other[both])), shape=(count, count))
    _, group = connected_components(joined, directed=False)
    labels = np.where(core, group, -1)
    for edge, inner in ((one, other), (other, one)):  # who is at the edge of a crowd belongs to it
        at_edge = ~core[edge] & core[inner]
        labels[edge[at_edge]] = group[inner[at_edge]]
    return _numbered(labels)


def _cells(points: np.ndarray, radius: float) -> Cells:
    """The finest cells that are few enough; one try at the side tells what the next must be."""
    side = FINEST * radius
    sample = points[:: max(len(points) // 50_000, 1)]
    while side < COARSEST * radius and len(np.unique(_keys(sample, side))) > CELLS / 2:
        side *= 1.25
    keys = _keys(points, min(side, COARSEST * radius))
    _, of_point, weights = np.unique(keys, return_inverse=True, return_counts=True)
    sums = [np.bincount(of_point, column, len(weights)) for column in points.T]
    return Cells(np.stack(sums, axis=1) / weights[:, None], weights.astype(float), of_point)


def _keys(points: np.ndarray, side: float) -> np.ndarray:
    """(points,) one number for the cell of every point."""
    low = points.min(axis=0)
    places = np.floor((points - low) / side).astype(np.int64)
    spans = places.max(axis=0) + 1
    if float(np.prod(spans.astype(float))) >= 2.0**62:  # more cells than numbers: name them apart
        return np.unique(places, axis=0, return_inverse=True)[1].ravel()
    keys = np.zeros(len(points), dtype=np.int64)
    for column, span in zip(places.T, spans.tolist(), strict=True):
        keys = keys * span + column
    return keys


def _hdbscan(points: np.ndarray, *, seed: int) -> np.ndarray:
    """HDBSCAN of a sample; everybody else belongs where their nearest in it does, if near enough.

    Near enough is as near as those in the sample are to each other, nearly all of them.
    """
    from scipy.spatial import cKDTree
    from sklearn.cluster import HDBSCAN

    rng = np.random.default_rng(seed)
    whole = len(points) <= SAMPLED
    kept = points if whole else points[rng.choice(len(points), SAMPLED, replace=False)]
    fewest = crowd(len(kept), points.shape[1])
    labels = np.asarray(HDBSCAN(min_cluster_size=fewest, copy=True).fit_predict(kept))
    if whole:
        return labels
    tree = cKDTree(kept)
    cells = _cells(points, float(np.median(tree.query(kept, k=[fewest])[0])))
    reach, nearest = tree.query(cells.centres)
    grouped = labels[nearest] >= 0
    far = np.quantile(tree.query(kept, k=[2])[0], 0.99)
    return np.asarray(np.where(grouped & (reach <= far), labels[nearest], -1)[cells.of_point])


def _numbered(labels: np.ndarray) -> np.ndarray:
    """The same groups, numbered from nought by their first member; -1 stays."""
    numbered = np.full(len(labels), -1)
    grouped = labels >= 0
    _, first, inverse = np.unique(labels[grouped], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered[grouped] = rank[inverse]
    return numbered
