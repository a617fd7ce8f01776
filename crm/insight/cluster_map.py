"""The clusters on a plane: a sample of customers along the two directions they differ most in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.db.models.functions import Mod

from crm import artifacts
from crm.models import Score, Segment
from crm.scores import FEATURES

if TYPE_CHECKING:
    import numpy as np

POINTS = 1_500


@dataclass(frozen=True)
class Map:
    """clusters: segment and its (x, y) points. Axes: features by weight, the heaviest first.

    shown: share of all differences between customers that the plane can show.
    """

    clusters: list[tuple[Segment, list[tuple[float, float]]]]
    across: list[tuple[str, float]]
    upward: list[tuple[str, float]]
    shown: float


def cluster_map() -> Map | None:
    """None where customers are not clustered yet. Four queries, whatever their number."""
    from crm.ml.clusters import Clusters
    from crm.ml.plane import plane

    clusters = artifacts.load_serving(Clusters)
    rows = _sample()
    if clusters is None or len(rows) < 3:
        return None
    drawn = plane(clusters.points(_features(rows)))
    points: dict[str, list[tuple[float, float]]] = {}
    for (label, _), (x, y) in zip(rows, drawn.coordinates.round(3).tolist(), strict=True):
        points.setdefault(label, []).append((x, y))
    segments = Segment.objects.filter(slug__in=points).order_by("slug")
    across, upward = (_weights(direction) for direction in drawn.directions)
    return Map([(one, points[one.slug]) for one in segments], across, upward, drawn.shown)


def _sample() -> list[tuple[str, dict[str, Any]]]:
    """Cluster and features of every n-th customer."""
    scored = Score.objects.filter(name="cluster")
    step = max(scored.count() // POINTS, 1)
    every = scored.alias(place=Mod(F("customer_id"), step)).filter(place=0)
    return list(every.order_by("customer_id").values_list("label", "detail")[: 2 * POINTS])


def _features(rows: list[tuple[str, dict[str, Any]]]) -> "np.ndarray":
    import numpy as np

    return np.array([[detail[name] for name in FEATURES] for _, detail in rows], dtype=float)


def _weights(direction: "np.ndarray") -> list[tuple[str, float]]:
    pairs = zip(FEATURES, direction.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: -abs(pair[1]))
