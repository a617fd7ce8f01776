import numpy as np
import pytest

from crm import artifacts
from crm.insight import cluster_map as module
from crm.insight.cluster_map import cluster_map
from crm.ml.clusters import Clusters
from crm.models import Score, Segment
from crm.scores import FEATURES
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def clustered():
    rng = np.random.default_rng(0)
    low, high = rng.normal(10, 1, (20, len(FEATURES))), rng.normal(90, 1, (20, len(FEATURES)))
    features = np.vstack([low, high])
    clusters = Clusters(k=2).fit(features)
    artifact = artifacts.save(clusters, artifacts.Provenance(metrics={}), as_of=NOON, now=NOON)
    artifacts.promote(artifact, now=NOON, reason="test")
    for label in (0, 1):
        Segment.objects.create(slug=f"cluster-{label}", kind="cluster", name_en=f"Group {label}")
    for row, label in zip(features.tolist(), clusters.predict(features).tolist(), strict=True):
        Score.objects.create(
            customer=make_customer(),
            name="cluster",
            value=label,
            label=f"cluster-{label}",
            detail=dict(zip(FEATURES, row, strict=True)),
            version="t",
            at=NOON,
        )


def test_before_anything_is_trained_there_is_no_map():
    assert cluster_map() is None


@pytest.mark.usefixtures("clustered")
def test_every_cluster_has_its_points_and_groups_that_lie_apart_are_drawn_apart():
    found = cluster_map()
    (_, left), (_, right) = found.clusters
    assert len(left) == len(right) == 20
    xs = sorted([[x for x, _ in left], [x for x, _ in right]], key=min)
    assert max(xs[0]) < min(xs[1])


@pytest.mark.usefixtures("clustered")
def test_the_axes_name_features_by_weight_and_the_share_that_is_shown_is_a_share():
    found = cluster_map()
    weights = [abs(weight) for _, weight in found.across]
    assert weights == sorted(weights, reverse=True)
    assert {name for name, _ in found.across} == set(FEATURES)
    assert 0.9 < found.shown <= 1.0


@pytest.mark.usefixtures("clustered")
def test_only_a_sample_is_drawn(monkeypatch):
    monkeypatch.setattr(module, "POINTS", 10)
    assert sum(len(points) for _, points in cluster_map().clusters) <= 20


@pytest.mark.usefixtures("clustered")
def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        cluster_map()
