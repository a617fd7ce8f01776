"""Groups of alike customers: K-Means on standardised features, the same label from run to run.

Beyond MANY customers the start is found on a sample and improved by a few rounds over all of
them: the centres of a large sample are hardly worse than those of everybody.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from crm.ml.estimator import State, restored

TIGHTER = 0.97  # of the inertia: what a fresh start must reach to replace known groups
LARGEST_K = 8
MANY = 50_000  # customers from which the start is found on a sample
STARTED_ON = 20_000
CHOSEN_ON = 6_000  # customers that the number of groups is chosen on
ROUNDS = 5  # over everybody, after a start on a sample
STABLE = 0.85  # adjusted Rand index over refits, from which a k is taken for stable
AT_ONCE = 100_000  # customers that are read together
JUDGED = 2_000  # customers that the silhouette is measured on
REFITS = 4  # bootstrap refits behind the stability of a k
SKEWED = 1.0  # skewness from which a feature that is never negative is taken by its logarithm


@dataclass(frozen=True)
class Quality:
    """silhouette in [-1, 1]; stability: mean adjusted Rand index over bootstrap refits."""

    silhouette: float
    stability: float


class Clusters:
    """K-Means; k is given, or chosen by silhouette among the stable ones."""

    name: ClassVar[str] = "clusters"
    format: ClassVar[int] = 1
    centres_: np.ndarray  # (k, features), standardised

    def __init__(self, *, k: int | None = None, seed: int = 0) -> None:
        self.k = k
        self.seed = seed

    def fit(self, features: np.ndarray, *, previous: "Clusters | None" = None) -> Self:
        """Learn from (customers, features) finite numbers; keep the labels of `previous`."""
        if not len(features):
            raise ValueError("there is nobody to cluster")
        self.logs_ = _skewed(features)
        self.mean_, self.scale_ = _spread(self._logged(features))
        points = self.points(features)
        distinct = _distinct(points, self.k or LARGEST_K)
        k = min(self.k or choose_k(points, seed=self.seed), distinct)
        centres = _k_means(points, max(k, 1), self.seed)
        if previous is not None and len(previous.centres_) == k:
            centres = self._nearer_to(previous, points, centres)
        self.labels_ = np.arange(len(centres))
        self.centres_ = centres[np.lexsort(centres.T[::-1])]
        if previous is not None and previous.centres_.shape[1] == points.shape[1]:
            self._keep_labels(previous)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(customers,) label of the nearest centre."""
        return np.asarray(self.labels_[_nearest(self.points(features), self.centres_)])

    def points(self, features: np.ndarray) -> np.ndarray:
        """(customers, features) as the clusters see them: skewed ones logged, all standardised.

        In single precision: no customer is known to seven digits.
        """
        plain = (self._logged(features) - self.mean_) / self.scale_
        return np.asarray(plain, dtype=np.float32)

    def state(self) -> State:
        arrays = {name: value for name, value in vars(self).items() if name.endswith("_")}
        return State(arrays, {"k": self.k, "seed": self.seed})

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)

    def _logged(self, features: np.ndarray) -> np.ndarray:
        if not self.logs_.any():
            return features
        logged = np.array(features, dtype=float)
        logged[:, self.logs_] = np.log1p(np.maximum(logged[:, self.logs_], 0.0))
        return logged

    def _nearer_to(
        self, previous: "Clusters", points: np.ndarray, centres: np.ndarray
    ) -> np.ndarray:
        """K-Means begun at the previous centres, unless a fresh start is clearly tighter.

        Many partitions are nearly as good as each other: staff should not see another of
        them every night.
        """
        if previous.centres_.shape[1] != points.shape[1]:
            return centres
        kept = _improved(points, self._moved(previous))
        tighter = inertia(points, centres) < TIGHTER * inertia(points, kept)
        return centres if tighter else kept

    def _moved(self, previous: "Clusters") -> np.ndarray:
        """The previous centres in the units of today's standardisation."""
        plain = previous.centres_ * previous.scale_ + previous.mean_
        return np.asarray((plain - self.mean_) / self.scale_)

    def _keep_labels(self, previous: "Clusters") -> None:
        """Every centre takes the label of the previous centre that it is matched to."""
        from scipy.optimize import linear_sum_assignment

        distance = _distances(self._moved(previous), self.centres_)
        before, now = linear_sum_assignment(distance)
        labels = np.full(len(self.centres_), -1)
        labels[now] = previous.labels_[before]
        free = int(previous.labels_.max()) + 1
        for place in np.flatnonzero(labels < 0):
            labels[place], free = free, free + 1
        self.labels_ = labels


def choose_k(points: np.ndarray, *, seed: int) -> int:
    """The k with the best silhouette among the stable ones, or those nearly as stable as any."""
    rng = np.random.default_rng(seed)
    if len(points) > CHOSEN_ON:
        points = points[rng.choice(len(points), CHOSEN_ON, replace=False)]
    largest = min(LARGEST_K, _distinct(points, LARGEST_K + 1) - 1)
    if largest < 2:
        return 1
    judged = {
        k: quality(points, _nearest(points, _k_means(points, k, seed)), seed=seed, k=k)
        for k in range(3 if largest >= 3 else 2, largest + 1)
    }
    stablest = max(one.stability for one in judged.values())
    enough = STABLE if stablest >= STABLE else STABLE * stablest
    stable = {k: one for k, one in judged.items() if one.stability >= enough}
    return max(stable, key=lambda k: (round(stable[k].silhouette, 3), -k))


def quality(points: np.ndarray, labels: np.ndarray, *, seed: int, k: int) -> Quality:
    """How apart the groups are, and how alike they come out of other samples of customers."""
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    rng = np.random.default_rng(seed)
    some = rng.permutation(len(points))[:JUDGED]
    groups = len(np.unique(labels[some]))
    if not 2 <= groups < len(some):
        return Quality(0.0, 1.0 if groups == 1 else 0.0)
    alike = []
    for _ in range(REFITS):
        sample = points[rng.integers(0, len(points), min(len(points), JUDGED))]
        again = _nearest(points[some], _k_means(sample, k, seed, starts=2))
        alike.append(adjusted_rand_score(labels[some], again))
    return Quality(float(silhouette_score(points[some], labels[some])), float(np.mean(alike)))


def inertia(points: np.ndarray, centres: np.ndarray) -> float:
    """The sum of squared distances to the nearest centre."""
    whole = 0.0
    for start in range(0, len(points), AT_ONCE):
        part = points[start : start + AT_ONCE].astype(float)
        squares = _distances(part, centres).min(axis=1)
        whole += float(np.maximum(squares, 0.0).sum())
    return whole


def _spread(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of every feature; one that never varies is left as it is."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    return mean, np.where(spread > 1e-12 * np.maximum(np.abs(mean), 1.0), spread, 1.0)


def _skewed(features: np.ndarray) -> np.ndarray:
    mean, spread = _spread(features)
    cubes = np.zeros(features.shape[1])
    for start in range(0, len(features), AT_ONCE):
        apart = (features[start : start + AT_ONCE] - mean) / spread
        cubes += np.einsum("ij,ij,ij->j", apart, apart, apart)
    return np.asarray((cubes / len(features) > SKEWED) & (features.min(axis=0) >= 0))


def _distinct(points: np.ndarray, enough: int) -> int:
    """How many different points there are, counted until there are enough."""
    for some in (points[:: max(len(points) // STARTED_ON, 1)], points):
        found = len(np.unique(some.round(6), axis=0))
        if found >= enough:
            break
    return found


def _k_means(points: np.ndarray, k: int, seed: int, *, starts: int = 4) -> np.ndarray:
    from sklearn.cluster import KMeans

    if len(points) <= MANY:
        return np.asarray(KMeans(k, n_init=starts, random_state=seed).fit(points).cluster_centers_)
    some = np.random.default_rng(seed).choice(len(points), STARTED_ON, replace=False)
    return _improved(points, _k_means(points[some], k, seed, starts=starts))


def _improved(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """K-Means from these centres; where there are many customers, only a few rounds."""
    from sklearn.cluster import KMeans

    rounds = ROUNDS if len(points) > MANY else 300
    begun = np.asarray(centres, dtype=points.dtype)
    fitted = KMeans(len(begun), init=begun, n_init=1, max_iter=rounds).fit(points)
    return np.asarray(fitted.cluster_centers_, dtype=float)


def _distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(points, centres) squared."""
    lengths = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    return np.asarray(lengths - 2.0 * points @ centres.T)


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(points,) the number of the nearest centre."""
    centres = np.asarray(centres, dtype=points.dtype)
    squares = (centres**2).sum(axis=1) - 2.0 * points @ centres.T
    return np.asarray(squares.argmin(axis=1))
