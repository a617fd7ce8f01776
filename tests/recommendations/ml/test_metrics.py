"""Figures beyond accuracy are what plain Python says they are, and mean what they claim."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml.metrics import (
    calibration,
    coverage,
    difference,
    gini,
    novelty,
    recall,
    reciprocal_rank,
    similarity,
)
from recommendations.ml.ranking import quality

PRODUCTS, KINDS = 15, 4


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def lists(rng):
    """(12, 6) random lists, some with empty places at the end and one wholly empty."""
    ranked = np.array([rng.permutation(PRODUCTS)[:6] for _ in range(12)])
    ranked[3, 4:] = ranked[5, 1:] = ranked[7] = -1
    return ranked


def matrix(rng, rows, columns, share=0.3):
    return sparse.csr_matrix((rng.random((rows, columns)) < share).astype(float))


def shown(row):
    return [int(product) for product in row if product >= 0]


class TestFound:
    def test_recall_is_the_share_of_the_relevant(self, rng, lists):
        relevant = matrix(rng, 12, PRODUCTS)
        slow = [
            len(set(shown(row[:4])) & set(relevant[i].indices)) / relevant[i].nnz
            for i, row in enumerate(lists)
            if relevant[i].nnz
        ]
        assert np.allclose(recall(lists, relevant, n=4), slow)

    def test_the_first_hit_decides_the_reciprocal_rank(self, rng, lists):
        relevant = matrix(rng, 12, PRODUCTS)
        slow = []
        for i, row in enumerate(lists):
            places = [p for p, product in enumerate(row, 1) if product in relevant[i].indices]
            slow += [1 / places[0] if places else 0.0] if relevant[i].nnz else []
        assert np.allclose(reciprocal_rank(lists, relevant), slow)

    def test_they_are_the_means_that_quality_reports(self, rng, lists):
        relevant = matrix(rng, 12, PRODUCTS)
        figures = quality(lists, relevant, n=6)
        assert np.isclose(recall(lists, relevant, n=6).mean(), figures["recall@6"])
        assert np.isclose(reciprocal_rank(lists, relevant, n=6).mean(), figures["mrr"])

    def test_lists_without_places_find_nothing(self):
        relevant = sparse.csr_matrix(np.eye(2))
        assert reciprocal_rank(np.zeros((2, 0), int), relevant).tolist() == [0.0, 0.0]
        assert recall(np.zeros((2, 0), int), relevant).tolist() == [0.0, 0.0]


class TestExposure:
    def test_gini_is_the_mean_difference_of_all_pairs(self, lists):
        times = [sum(product in row for row in lists) for product in range(PRODUCTS)]
        apart = sum(abs(a - b) for a in times for b in times)
        assert np.isclose(gini(lists, PRODUCTS), apart / (2 * PRODUCTS * sum(times)))

    def test_all_shown_alike_is_zero_and_one_for_everybody_is_nearly_one(self):
        assert np.isclose(gini(np.arange(100).reshape(10, 10), 100), 0.0)
        assert gini(np.zeros((50, 1), int), 1_000) > 0.99

    def test_coverage_is_the_share_of_the_catalogue(self, lists):
        assert coverage(lists, PRODUCTS) == len(set(sum(map(shown, lists), []))) / PRODUCTS

    @pytest.mark.parametrize("products", [0, 5])
    def test_nothing_shown_is_zero(self, products):
        nothing = np.full((3, 2), -1)
        assert gini(nothing, products) == coverage(nothing, products) == 0.0


class TestNovelty:
    def test_it_is_the_mean_self_information(self, rng, lists):
        chosen = matrix(rng, 40, PRODUCTS)
        buyers = chosen.toarray().sum(axis=0)
        for i, value in enumerate(novelty(lists, chosen)):
            bits = [-math.log2(max(buyers[p], 0.5) / 40) for p in shown(lists[i])]
            assert math.isnan(value) if not bits else math.isclose(value, sum(bits) / len(bits))

    def test_what_everybody_has_is_no_news(self):
        chosen = sparse.csr_matrix(np.array([[1, 0], [1, 1]], float))
        assert novelty(np.array([[0]]), chosen).tolist() == [0.0]
        assert novelty(np.array([[1]]), chosen).tolist() == [1.0]


class TestSimilarity:
    def test_it_is_the_mean_cosine_of_all_pairs(self, rng, lists):
        features = sparse.csr_matrix(rng.normal(size=(PRODUCTS, 5)))
        features[2] = 0
        features.eliminate_zeros()
        dense = features.toarray()
        length = np.linalg.norm(dense, axis=1)
        for i, value in enumerate(similarity(lists, features)):
            cosines = [
                dense[a] @ dense[b] / (length[a] * length[b]) if length[a] * length[b] else 0.0
                for a, b in combinations(shown(lists[i]), 2)
            ]
            assert math.isnan(value) if not cosines else np.isclose(value, np.mean(cosines))

    def test_twins_are_one_and_strangers_zero(self):
        features = sparse.csr_matrix(np.array([[1, 0], [5, 0], [0, 1]], float))
        assert similarity(np.array([[0, 1], [0, 2]]), features).tolist() == [1.0, 0.0]


class TestCalibration:
    def test_it_is_the_divergence_of_kinds(self, rng, lists):
        history, kinds = matrix(rng, 12, PRODUCTS), matrix(rng, PRODUCTS, KINDS, share=0.5)
        kinds = sparse.csr_matrix(kinds.toarray() + np.eye(PRODUCTS, KINDS))

        def spread(products):
            parts = np.zeros(KINDS)
            for product in products:
                row = kinds[product].toarray()[0]
                parts += row / row.sum() if row.sum() else 0
            return parts / parts.sum() if parts.sum() else parts

        for i, value in enumerate(calibration(lists, history, kinds)):
            p, q = spread(history[i].indices), spread(shown(lists[i]))
            if not p.sum() or not q.sum():
                assert math.isnan(value)
                continue
            mixed = 0.99 * q + 0.01 * p
            assert math.isclose(
                value, sum(a * math.log2(a / b) for a, b in zip(p, mixed, strict=True) if a > 0)
            )

    def test_a_list_like_the_history_is_zero_and_another_is_not(self):
        history = sparse.csr_matrix(np.array([[1, 1, 0, 0]], float))
        kinds = sparse.csr_matrix(np.array([[1, 0], [0, 1], [1, 0], [0, 1]], float))
        assert np.isclose(calibration(np.array([[2, 3]]), history, kinds)[0], 0.0)
        assert calibration(np.array([[2]]), history, kinds)[0] > 1.0


class TestDifference:
    def test_a_true_lead_is_sure_and_its_interval_holds_the_mean(self, rng):
        worse = rng.random(500)
        found = difference(worse + 0.1 + rng.normal(size=500) * 0.2, worse, rng=rng)
        assert found.low < found.mean < found.high
        assert found.low > 0
        assert found.sure

    def test_it_agrees_with_the_normal_interval_where_that_holds(self, rng):
        apart = rng.normal(0.5, 1.0, size=2_000)
        found = difference(apart, np.zeros(2_000), rng=rng)
        error = apart.std() / math.sqrt(2_000)
        assert np.allclose(
            [found.low, found.high], apart.mean() + 1.96 * np.array([-error, error]), atol=0.01
        )

    def test_two_equal_lists_are_not_told_apart_in_nineteen_of_twenty(self, rng):
        mistaken = sum(
            difference(rng.random(80), rng.random(80), rng=rng, rounds=300).sure for _ in range(200)
        )
        assert mistaken <= 22

    def test_the_same_generator_gives_the_same_interval(self):
        first, second = np.arange(30.0), np.arange(30.0)[::-1]
        one, two = (difference(first, second, rng=np.random.default_rng(3)) for _ in range(2))
        assert one == two

    def test_nobody_to_compare_is_no_difference(self, rng):
        assert not difference(np.zeros(0), np.zeros(0), rng=rng).sure
        assert difference(np.array([np.nan, 1.0]), np.zeros(2), rng=rng).mean == 1.0
