"""Lists are the best, without the seen, not all alike; figures are what they are called."""

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml.ranking import best, best_of_rows, diverse, ndcg, quality


def test_the_best_come_first_without_the_excluded():
    assert best(np.array([0.1, 0.9, 0.5]), n=2, exclude=np.array([1])).tolist() == [2, 0]


def test_ties_go_to_the_lower_column():
    assert best(np.zeros(3), n=2, exclude=np.array([], int)).tolist() == [0, 1]


@pytest.mark.parametrize("n", [0, -1])
def test_none_is_an_empty_list(n):
    assert best(np.ones(3), n=n, exclude=np.array([], int)).tolist() == []
    assert best_of_rows(np.ones((2, 3)), n=n, seen=None).shape == (2, 0)


def test_more_than_there_are_is_all_there_are():
    assert best(np.arange(3.0), n=10_000, exclude=np.array([], int)).tolist() == [2, 1, 0]


def test_scores_that_are_no_numbers_are_left_out():
    assert best(np.array([np.nan, 1.0, np.inf]), n=3, exclude=np.array([], int)).tolist() == [1]


def test_input_is_left_alone():
    scores = np.array([1.0, 2.0])
    best(scores, n=1, exclude=np.array([1]))
    assert scores.tolist() == [1.0, 2.0]


def test_rows_are_ranked_as_one_by_one():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20, 30))
    seen = sparse.csr_matrix(rng.random((20, 30)) < 0.3)
    ranked = best_of_rows(scores, n=5, seen=seen)
    for row in range(20):
        assert ranked[row].tolist() == best(scores[row], n=5, exclude=seen[row].indices).tolist()


def test_a_row_that_runs_out_is_filled_with_nothing():
    seen = sparse.csr_matrix(np.array([[1, 1, 0]]))
    assert best_of_rows(np.ones((1, 3)), n=2, seen=seen).tolist() == [[2, -1]]


class TestDiverse:
    likeness = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], float)
    scores = np.array([3.0, 2.9, 1.0])

    def test_by_score_alone_it_is_the_ranking(self):
        assert diverse(self.scores, self.likeness, n=3, trade=1.0).tolist() == [0, 1, 2]

    def test_a_twin_makes_room_for_something_else(self):
        assert diverse(self.scores, self.likeness, n=2, trade=0.5).tolist() == [0, 2]

    def test_what_was_chosen_for_variety_stands_where_its_score_puts_it(self):
        likeness = np.eye(4)
        likeness[0, 1] = likeness[1, 0] = likeness[0, 2] = likeness[2, 0] = 0.9
        scores = np.array([3.0, 2.9, 2.8, 1.0])
        assert diverse(scores, likeness, n=3, trade=0.3).tolist() == [0, 1, 3]

    def test_one_that_is_like_many_gives_way_before_one_that_is_like_a_single_other(self):
        likeness = np.eye(4)
        for one, other, much in ((0, 1, 0.0), (0, 2, 0.6), (1, 2, 0.6), (0, 3, 0.7)):
            likeness[one, other] = likeness[other, one] = much
        scores = np.array([5.0, 4.99, 3.0, 2.9])
        assert diverse(scores, likeness, n=3, trade=0.5).tolist() == [0, 1, 3]

    def test_the_less_the_score_counts_the_less_alike_is_the_list(self):
        rng = np.random.default_rng(0)
        unit = rng.random((40, 6))
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        likeness, scores = unit @ unit.T, np.sort(rng.normal(size=40))[::-1]
        alike, worth = [], []
        for trade in (1.0, 0.8, 0.5, 0.2):
            one = diverse(scores, likeness, n=8, trade=trade)
            alike.append(likeness[np.ix_(one, one)].sum())
            worth.append(scores[one].sum())
            assert (np.diff(scores[one]) <= 0).all()
        assert alike == sorted(alike, reverse=True)
        assert worth == sorted(worth, reverse=True)

    def test_equal_scores_and_empty_lists_are_fine(self):
        assert len(diverse(np.zeros(3), self.likeness, n=2, trade=0.5)) == 2
        assert diverse(np.zeros(0), np.zeros((0, 0)), n=5, trade=0.5).tolist() == []


class TestQuality:
    def test_a_perfect_list_is_one(self):
        relevant = sparse.csr_matrix(np.array([[1, 1, 0, 0]]))
        assert ndcg(np.array([[1, 0, 2]]), relevant, n=3).tolist() == [1.0]

    def test_the_ideal_is_cut_at_what_is_relevant(self):
        relevant = sparse.csr_matrix(np.array([[0, 0, 1, 0]]))
        assert np.isclose(ndcg(np.array([[0, 2, 1]]), relevant, n=3)[0], 1 / np.log2(3))

    def test_rows_without_anything_relevant_do_not_count(self):
        relevant = sparse.csr_matrix(np.array([[0, 0], [1, 0]]))
        figures = quality(np.array([[0, 1], [0, 1]]), relevant, n=2)
        assert figures == {"ndcg@2": 1.0, "recall@2": 1.0, "mrr": 1.0, "coverage": 1.0}

    def test_nothing_relevant_at_all_is_zero(self):
        figures = quality(np.array([[0]]), sparse.csr_matrix((1, 2)), n=1)
        assert set(figures.values()) == {0.0}

    def test_an_empty_place_is_no_hit(self):
        relevant = sparse.csr_matrix(np.array([[0, 1]]))
        assert ndcg(np.array([[-1, -1]]), relevant, n=2).tolist() == [0.0]
