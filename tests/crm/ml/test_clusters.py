"""Planted groups are found, keep their labels, and are named by what sets them apart."""

import numpy as np
import pytest

from crm.ml import clusters as ml
from crm.ml.clusters import Clusters, choose_k, inertia, quality
from crm.ml.density import by_density
from crm.ml.portraits import Words, portraits
from tests.contracts import EstimatorContract

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def planted(*, each=60, seed=0, centres=CENTRES):
    rng = np.random.default_rng(seed)
    points = np.vstack([centre + rng.normal(size=(each, 2)) for centre in centres])
    return points, np.repeat(np.arange(len(centres)), each)


def agree(labels, truth):
    from sklearn.metrics import adjusted_rand_score

    return adjusted_rand_score(labels, truth)


class TestTheContract(EstimatorContract):
    @pytest.fixture
    def data(self):
        return planted()[0]

    @pytest.fixture
    def estimator(self):
        return Clusters(k=3)

    def answer(self, estimator, data):
        return estimator.predict(data)


class TestPlantedGroups:
    def test_their_number_and_their_members_are_found(self):
        features, truth = planted()
        clusters = Clusters().fit(features)
        assert len(clusters.centres_) == 4
        assert agree(clusters.predict(features), truth) > 0.95

    def test_a_given_number_is_kept(self):
        assert len(Clusters(k=2).fit(planted()[0]).centres_) == 2

    @pytest.mark.parametrize("method", ["dbscan", "hdbscan"])
    def test_density_finds_them_too(self, method):
        features, truth = planted(each=150)
        labels = by_density(Clusters(k=1).fit(features).points(features), method=method)
        found = labels >= 0
        assert found.mean() > 0.7
        assert agree(labels[found], truth[found]) > 0.9

    def test_skewed_money_is_taken_by_its_logarithm(self):
        money = np.random.default_rng(0).lognormal(3, 1.5, (500, 1))
        clusters = Clusters(k=2).fit(money)
        assert clusters.logs_.tolist() == [True]
        sizes = np.bincount(clusters.predict(money))
        assert sizes.min() > 100


class TestManyCustomers:
    """Beyond MANY customers a sample and a few rounds do; here MANY is a few."""

    @pytest.fixture(autouse=True)
    def many_are_few(self, monkeypatch):
        monkeypatch.setattr(ml, "MANY", 500)
        monkeypatch.setattr(ml, "STARTED_ON", 300)

    def test_the_centres_are_hardly_worse_than_those_of_everybody(self, monkeypatch):
        features, _ = planted(each=2_000)
        quick = Clusters(k=4).fit(features)
        monkeypatch.setattr(ml, "MANY", 10**9)
        whole = Clusters(k=4).fit(features)
        points = whole.points(features)
        assert inertia(points, quick.centres_) <= 1.001 * inertia(points, whole.centres_)

    def test_labels_are_kept(self):
        first = Clusters(k=4).fit(planted(each=500, seed=1)[0])
        features, _ = planted(each=500, seed=2)
        again = Clusters(k=4, seed=9).fit(features, previous=first)
        assert np.array_equal(first.predict(features), again.predict(features))

    def test_the_number_of_groups_is_found_on_a_sample(self):
        assert len(Clusters().fit(planted(each=2_000)[0]).centres_) == 4

    def test_a_rare_second_value_is_not_overlooked(self):
        features = np.zeros((5_000, 1))
        features[-1] = 1.0
        assert len(Clusters(k=2).fit(features).centres_) == 2


class TestLabelsFromRunToRun:
    def test_the_same_group_keeps_its_label(self):
        first = Clusters(k=4).fit(planted(seed=1)[0])
        features, _ = planted(seed=2)
        shuffled = features[np.random.default_rng(3).permutation(len(features))]
        again = Clusters(k=4, seed=9).fit(shuffled, previous=first)
        assert np.array_equal(first.predict(features), again.predict(features))

    def test_a_new_group_gets_a_new_label(self):
        features, _ = planted(centres=CENTRES[:3])
        first = Clusters(k=3).fit(features)
        second = Clusters(k=4).fit(planted()[0], previous=first)
        assert set(first.labels_) < set(second.labels_)
        assert np.array_equal(first.predict(features), second.predict(features))

    def test_a_group_that_went_leaves_the_labels_of_the_others(self):
        first = Clusters(k=4).fit(planted()[0])
        features, _ = planted(centres=CENTRES[1:])
        second = Clusters(k=3).fit(features, previous=first)
        assert np.array_equal(first.predict(features), second.predict(features))

    def test_other_features_than_before_start_anew(self):
        first = Clusters(k=2).fit(planted()[0])
        second = Clusters(k=2).fit(np.random.default_rng(0).normal(size=(50, 3)), previous=first)
        assert set(second.labels_) == {0, 1}


class TestOddData:
    def test_customers_who_are_all_alike_are_one_group(self):
        features = np.ones((30, 3))
        clusters = Clusters().fit(features)
        assert set(clusters.predict(features)) == {0}

    def test_one_customer_is_a_group(self):
        assert Clusters().fit(np.ones((1, 2))).predict(np.ones((1, 2))).tolist() == [0]

    def test_more_groups_than_different_customers_are_not_made(self):
        features = np.array([[0.0], [0.0], [1.0]])
        assert len(Clusters(k=8).fit(features).centres_) == 2

    def test_nobody_cannot_be_grouped(self):
        with pytest.raises(ValueError, match="nobody"):
            Clusters().fit(np.zeros((0, 2)))

    def test_a_feature_that_never_varies_changes_nothing(self):
        features, _ = planted()
        wider = np.hstack([features, np.full((len(features), 1), 7.0)])
        assert (
            agree(
                Clusters(k=4).fit(wider).predict(wider),
                Clusters(k=4).fit(features).predict(features),
            )
            == 1.0
        )

    def test_negative_amounts_are_not_taken_by_their_logarithm(self):
        features = np.append(np.random.default_rng(0).lognormal(3, 1.5, 99), -5.0)[:, None]
        assert Clusters(k=2).fit(features).logs_.tolist() == [False]

    def test_too_few_for_density_belong_nowhere(self):
        assert by_density(np.zeros((2, 2)), method="dbscan").tolist() == [-1, -1]

    def test_two_different_customers_choose_one_group(self):
        assert choose_k(np.array([[0.0], [1.0]]), seed=0) == 1


class TestQuality:
    def test_planted_groups_are_apart_and_stable(self):
        features, truth = planted()
        found = quality(features, truth, seed=0, k=4)
        assert found.silhouette > 0.7
        assert found.stability > 0.95

    def test_groups_in_noise_are_not_stable(self):
        noise = np.random.default_rng(0).normal(size=(300, 6))
        labels = Clusters(k=6).fit(noise).predict(noise)
        assert quality(noise, labels, seed=0, k=6).stability < 0.7


class TestPortraits:
    def test_a_group_is_named_by_what_sets_it_apart_in_both_languages(self):
        features, truth = planted()
        words = {"spend": Words("high spend", "low spend", "消费高", "消费低")}
        named = portraits(features, truth, ("spend", "age"), words)
        assert (
            named[1].name_en == "High spend, low age" or named[1].name_en == "Low age, high spend"
        )
        assert "消费高" in named[1].name_zh
        assert "25 %" in named[1].description_en

    def test_what_two_features_do_not_tell_apart_a_third_does(self):
        points = np.repeat([[9.0, 8, 1], [9, 8, -1], [-5, -5, 0]], 20, axis=0)
        points[40:, 2] = np.tile([6.0, -6.0], 10)
        named = portraits(points, np.repeat([0, 1, 2], 20), ("spend", "visits", "age"), {})
        assert named[0].name_en == "High spend, high visits, high age"
        assert named[1].name_en == "High spend, high visits, low age"
        assert named[2].name_zh == "visits低、spend低"

    def test_columns_without_words_read_as_words(self):
        points = np.repeat([[1.0, 0], [0, 1]], 20, axis=0)
        named = portraits(points, np.repeat([0, 1], 20), ("order_value", "country=France"), {})
        assert named[0].name_en == "High order value, not country France"
        assert named[1].name_zh == "order value低、country为France"

    def test_no_two_groups_have_the_same_name(self):
        features = np.repeat([[0.0], [9.0], [10.0]], 20, axis=0)
        named = portraits(features, np.repeat([0, 1, 2], 20), ("spend",), {})
        assert len({one.name_en for one in named.values()}) == 3

    def test_whoever_belongs_nowhere_is_said_to(self):
        assert (
            portraits(np.zeros((3, 1)), np.full(3, -1), ("x",), {})[-1].name_en
            == "Unlike any group"
        )
