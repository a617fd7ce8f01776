"""A ranking sorts no more than it returns, and always in the same order."""

import numpy as np
import pytest

from recommendations.ranking import Ranking


@pytest.fixture
def ranking():
    return Ranking("test#1", np.array([30, 10, 20, 40]), np.array([0.5, 0.9, 0.5, 0.1]))


def test_the_best_come_first_and_equals_in_the_order_they_were_given(ranking):
    assert ranking.best(3) == [(10, 0.9), (30, 0.5), (20, 0.5)]


def test_a_cut_between_equals_takes_the_first_of_them(ranking):
    assert ranking.best(2) == [(10, 0.9), (30, 0.5)]


@pytest.mark.parametrize("n", [4, 5, 10_000])
def test_more_than_there_is_gives_all(ranking, n):
    assert [pk for pk, _ in ranking.best(n)] == [10, 30, 20, 40]


@pytest.mark.parametrize("n", [0, -3])
def test_none_asked_for_gives_none(ranking, n):
    assert ranking.best(n) == []


def test_what_is_hidden_makes_room_and_unknown_ids_do_not_matter(ranking):
    assert [pk for pk, _ in ranking.best(2, hidden={10, 999})] == [30, 20]


def test_only_these_but_the_hidden(ranking):
    assert ranking.best(4, among={10, 40, 7}, hidden={10}) == [(40, 0.1)]


def test_a_catalogue_of_nothing_has_no_best():
    assert Ranking("test#1", np.array([], dtype=int), np.array([])).best(3) == []


def test_places_count_from_one_and_agree_with_the_order(ranking):
    assert [ranking.rank(pk) for pk, _ in ranking.best(4)] == [1, 2, 3, 4]
    assert ranking.rank(999) is None
    assert ranking.score(999) is None
    assert ranking.score(20) == 0.5


def test_random_scores_come_in_the_order_of_a_full_sort():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 30, 500).astype(float)
    ids = rng.permutation(500)
    best = Ranking("test#1", ids, scores).best(77)
    assert [pk for pk, _ in best] == ids[np.argsort(-scores, kind="stable")[:77]].tolist()
