"""Groups of alike customers: K-Means on standardised features, the same label from run to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from crm.ml.estimator import State

TIGHTER = 0.97  # of the inertia: what a fresh start must reach to replace known groups
LARGEST_K = 8
JUDGED = 2_000  # customers that the silhouette is measured on
REFITS = 4  # bootstrap refits behind the stability of a k
SKEWED = 1.0  # skewness from which a feature that is never negative is taken by its logarithm


@dataclass(frozen=True)
class Quality:
    """silhouette in [-1, 1]; stability: mean adjusted Rand index over bootstrap refits."""

    silhouette: float
    stability: float


@dataclass(frozen=True)
class Words:
    """How to say that a feature is high or low, in both languages."""

    high_en: str
    low_en: str
    high_zh: str
    low_zh: str


@dataclass(frozen=True)
class Portrait:
    """What sets a cluster apart, in both languages."""

    name_en: str
    name_zh: str
    description_en: str
    description_zh: str


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
        plain = self._logged(features)
        self.mean_ = plain.mean(axis=0)
        spread = plain.std(axis=0)
        self.scale_ = np.where(spread > 1e-12, spread, 1.0)
        points = self.points(features)
        distinct = len(np.unique(points.round(9), axis=0))
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
        """(customers, features) as the clusters see them: skewed ones logged, all standardised."""
        return np.asarray((self._logged(features) - self.mean_) / self.scale_)

    def state(self) -> State:
        arrays = {name: value for name, value in vars(self).items() if name.endswith("_")}
        return State(arrays, {"k": self.k, "seed": self.seed})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        for name, array in state.arrays.items():
            setattr(self, name, array)
        return self

    def _logged(self, features: np.ndarray) -> np.ndarray:
        logged = np.log1p(np.maximum(features, 0.0))
        return np.where(self.logs_, logged, features)

    def _nearer_to(
        self, previous: "Clusters", points: np.ndarray, centres: np.ndarray
    ) -> np.ndarray:
        """K-Means begun at the previous centres, unless a fresh start is clearly tighter.

        Many partitions are nearly as good as each other: staff should not see another of
        them every night.
        """
        from sklearn.cluster import KMeans

        if previous.centres_.shape[1] != points.shape[1]:
            return centres
        begun = self._moved(previous)
        kept = KMeans(len(begun), init=begun, n_init=1).fit(points).cluster_centers_
        tighter = _inertia(points, centres) < TIGHTER * _inertia(points, kept)
        return centres if tighter else np.asarray(kept)

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
    """The k with the best silhouette among those nearly as stable as the stablest."""
    largest = min(LARGEST_K, len(np.unique(points.round(9), axis=0)) - 1)
    if largest < 2:
        return 1
    judged = {
        k: quality(points, _nearest(points, _k_means(points, k, seed)), seed=seed, k=k)
        for k in range(3 if largest >= 3 else 2, largest + 1)
    }
    stablest = max(one.stability for one in judged.values())
    stable = {k: one for k, one in judged.items() if one.stability >= 0.85 * stablest}
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


def by_density(points: np.ndarray, *, method: str) -> np.ndarray:
    """(customers,) labels by DBSCAN or HDBSCAN; -1 belongs to none. Points are standardised."""
    from sklearn.cluster import DBSCAN, HDBSCAN
    from sklearn.neighbors import NearestNeighbors

    fewest = int(np.clip(len(points) // 100, 2 * points.shape[1], 50))
    if len(points) <= fewest:
        return np.full(len(points), -1)
    if method == "hdbscan":
        return np.asarray(HDBSCAN(min_cluster_size=fewest, copy=True).fit_predict(points))
    reach, _ = NearestNeighbors(n_neighbors=fewest).fit(points).kneighbors(points)
    # Most customers have their neighbours within this: the knee of the usual k-distance curve.
    radius = max(float(np.quantile(reach[:, -1], 0.9)), 1e-9)
    return np.asarray(DBSCAN(eps=radius, min_samples=fewest).fit_predict(points))


def portraits(
    points: np.ndarray, labels: np.ndarray, names: Sequence[str], words: Mapping[str, Words]
) -> dict[int, Portrait]:
    """Name every label by the features in which its customers are furthest from all customers.

    points: (customers, features) standardised; names: of the features, with words for some.
    """
    found: dict[int, Portrait] = {}
    overall, spread = points.mean(axis=0), points.std(axis=0)
    for label in np.unique(labels):
        apart = (points[labels == label].mean(axis=0) - overall) / np.where(spread > 0, spread, 1.0)
        order = np.argsort(-np.abs(apart), kind="stable")
        said = [_said(names[i], apart[i], words) for i in order if abs(apart[i]) >= 0.2][:3]
        found[int(label)] = _portrait(said, float((labels == label).mean()), int(label))
    return _all_different(found)


def _said(name: str, apart: float, words: Mapping[str, Words]) -> tuple[str, str, float]:
    known = words.get(name) or Words(f"high {name}", f"low {name}", f"{name}高", f"{name}低")
    high = apart > 0
    return (
        known.high_en if high else known.low_en,
        known.high_zh if high else known.low_zh,
        apart,
    )


def _portrait(said: list[tuple[str, str, float]], share: float, label: int) -> Portrait:
    if label < 0:
        return Portrait(
            "Unlike any group", "不属于任何群体", f"{share:.0%} of all.", f"占{share:.0%}。"
        )
    if not said:
        return Portrait("Average", "普通", f"{share:.0%} of all.", f"占{share:.0%}。")
    english = [one[0] for one in said]
    chinese = [one[1] for one in said]
    size_en = ", ".join(f"{e} ({a:+.1f} deviations)" for e, _, a in said)
    size_zh = "，".join(f"{c}（{a:+.1f}个标准差）" for _, c, a in said)
    return Portrait(
        ", ".join(english[:2]).capitalize(),
        "、".join(chinese[:2]),
        f"{share:.0%} of all: {size_en}.",
        f"占{share:.0%}：{size_zh}。",
    )


def _all_different(found: dict[int, Portrait]) -> dict[int, Portrait]:
    taken: dict[str, int] = {}
    different = {}
    for label, one in found.items():
        taken[one.name_en] = taken.get(one.name_en, 0) + 1
        number = taken[one.name_en]
        if number > 1:
            one = Portrait(
                f"{one.name_en} {number}",
                f"{one.name_zh}{number}",
                one.description_en,
                one.description_zh,
            )
        different[label] = one
    return different


def _skewed(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    spread = features.std(axis=0)
    safe = np.where(spread > 1e-12, spread, 1.0)
    skewness = np.mean((centred / safe) ** 3, axis=0)
    return np.asarray((skewness > SKEWED) & (features.min(axis=0) >= 0))


def _k_means(points: np.ndarray, k: int, seed: int, *, starts: int = 4) -> np.ndarray:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(k, n_init=starts, random_state=seed).fit(points).cluster_centers_)


def _distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.asarray(((points[:, None, :] - centres[None]) ** 2).sum(axis=2))


def _inertia(points: np.ndarray, centres: np.ndarray) -> float:
    return float(_distances(points, centres).min(axis=1).sum())


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    squares = (centres**2).sum(axis=1) - 2.0 * points @ centres.T
    return np.asarray(squares.argmin(axis=1))
