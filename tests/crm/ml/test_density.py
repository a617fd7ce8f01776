"""Groups by density: exact for few, of weighted cells for many."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from crm.ml import density
from crm.ml.density import by_density, crowd, dbscan, radius


def apart(*, each=400, seed=0, features=3, noise=60):
    """Three groups far from each other, and some who belong nowhere."""
    rng = np.random.default_rng(seed)
    centres = 6.0 * np.eye(3, features)
    points = np.vstack([centre + rng.normal(0, 0.5, (each, features)) for centre in centres])
    return np.vstack([points, rng.uniform(-4, 10, (noise, features))])


class TestDbscan:
    def test_few_points_are_grouped_as_the_library_does(self):
        points = apart()
        ours = dbscan(points, radius=0.5, fewest=10)
        theirs = DBSCAN(eps=0.5, min_samples=10).fit_predict(points)
        # Who lies at the edge of two groups may be given to either; here nobody does.
        assert adjusted_rand_score(theirs, ours) == 1.0
        assert np.array_equal(ours < 0, theirs < 0)

    @pytest.mark.parametrize("features", [2, 3, 6])
    def test_cells_group_nearly_as_points_do(self, monkeypatch, features):
        points = apart(each=3_000, features=max(features, 3), noise=200)[:, :features]
        fewest = crowd(len(points), features)
        within = radius(points, fewest, seed=0)
        monkeypatch.setattr(density, "EXACT", 1_000)
        monkeypatch.setattr(density, "CELLS", 3_000)
        exact = DBSCAN(eps=within, min_samples=fewest).fit_predict(points)
        assert adjusted_rand_score(exact, dbscan(points, radius=within, fewest=fewest)) >= 0.97

    def test_the_same_points_ten_times_are_the_same_groups(self, monkeypatch):
        monkeypatch.setattr(density, "EXACT", 1_000)
        points = apart()
        once = dbscan(points, radius=0.5, fewest=10)
        often = dbscan(np.repeat(points, 10, axis=0), radius=0.5, fewest=100)[::10]
        assert adjusted_rand_score(once, often) > 0.97

    def test_customers_who_are_all_alike_are_one_group(self):
        assert set(by_density(np.zeros((500, 3)), method="dbscan")) == {0}

    def test_far_away_points_do_not_break_the_numbering_of_cells(self, monkeypatch):
        monkeypatch.setattr(density, "EXACT", 100)
        points = np.hstack([apart(features=3)] * 4)
        points[0] = 1e9
        labels = dbscan(points, radius=1.0, fewest=20)
        assert labels[0] == -1
        assert labels.max() == 2


class TestHdbscan:
    def test_who_was_not_in_the_sample_belongs_to_the_nearest_who_was(self, monkeypatch):
        monkeypatch.setattr(density, "SAMPLED", 600)
        points = apart(each=2_000, noise=0)
        labels = by_density(points, method="hdbscan")
        truth = np.repeat([0, 1, 2], 2_000)
        found = labels >= 0
        assert found.mean() > 0.8
        assert adjusted_rand_score(truth[found], labels[found]) > 0.97


def test_a_crowd_grows_with_the_customers():
    assert crowd(1_000, 2) == 10
    assert crowd(50_000, 2) == 50
    assert crowd(1_000_000, 2) == 500
