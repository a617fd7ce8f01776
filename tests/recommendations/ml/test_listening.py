"""Weights are learned from questions, quickly, and as plain sorting would answer them."""

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml import listening
from recommendations.ml.listening import Question
from recommendations.ml.ranking import best_of_rows, ndcg


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def world(rng, rows=60, products=40):
    """One voice that knows, one that guesses, and what was chosen."""
    relevant = sparse.csr_matrix((rng.random((rows, products)) < 0.1).astype(float))
    knows = relevant.toarray() + rng.normal(size=(rows, products)) * 0.3
    return knows, rng.normal(size=(rows, products)), relevant


def test_quality_is_ndcg_of_the_lists(rng, monkeypatch):
    monkeypatch.setattr(listening, "CANDIDATES", 25)
    knows, guesses, relevant = world(rng)
    seen = sparse.csr_matrix(rng.random(relevant.shape) < 0.2)
    relevant = sparse.csr_matrix(relevant - relevant.multiply(seen))
    relevant.eliminate_zeros()
    question = Question.asked([knows, guesses], seen, relevant)
    for number, one in enumerate((knows, guesses)):
        lists = best_of_rows(one, n=10, seen=seen)
        assert np.isclose(question.quality(question.said[number]), ndcg(lists, relevant).mean())


def test_the_voice_that_knows_is_heard_and_the_one_that_guesses_is_not(rng):
    knows, guesses, relevant = world(rng)
    question = Question.asked([guesses, knows], None, relevant)
    found = listening.weights([question], rng=rng)
    assert np.isclose(found.sum(), 1.0)
    assert found[1] > 0.9


def test_two_that_each_know_half_are_both_heard(rng):
    knows, _, relevant = world(rng, rows=100)
    left, right = knows.copy(), knows.copy()
    left[:, :20] = right[:, 20:] = 0.0
    found = listening.weights([Question.asked([left, right], None, relevant)], rng=rng)
    assert found.min() > 0.3


def test_an_easy_question_is_not_worth_more_than_a_hard_one(monkeypatch, rng):
    """In the only round the voice wins that is best on the hard one and fair on the easy one."""
    monkeypatch.setattr(listening, "ROUNDS", 1)

    def question(*places):
        """The one wished product stands in these places of each voice's list of 30."""
        scores = np.tile(-np.arange(30.0), (len(places), 8, 1))
        hit = np.zeros((8, 30), bool)
        for voice, place in enumerate(places):
            scores[voice, :, 0] = -place + 0.5
        hit[:, 0] = True
        return Question(scores, hit, np.ones(8))

    easy, hard = question(0, 4), question(20, 9)
    alone = easy.quality(easy.said[0]) + hard.quality(hard.said[0])
    assert alone > easy.quality(easy.said[1]) + hard.quality(hard.said[1])
    assert listening.weights([easy, hard], rng=rng).tolist() == [0.0, 1.0]


def test_rows_that_chose_nothing_ask_nothing(rng):
    relevant = sparse.csr_matrix(np.array([[0, 0, 0], [1, 0, 0]], float))
    question = Question.asked([np.eye(2, 3)], None, relevant)
    assert len(question) == 1


def test_a_catalogue_smaller_than_the_list_is_fine():
    relevant = sparse.csr_matrix(np.array([[1.0, 0, 0]]))
    question = Question.asked([np.array([[3.0, 2.0, 1.0]])], None, relevant)
    assert question.quality(question.said[0]) == 1.0


def test_a_whisper_is_no_voice(rng, monkeypatch):
    monkeypatch.setattr(listening, "QUIETEST", 0.9)
    knows, guesses, relevant = world(rng)
    found = listening.weights([Question.asked([knows, guesses], None, relevant)], rng=rng)
    assert np.count_nonzero(found) == 1


def test_without_whispers_the_others_keep_their_proportions():
    told = listening.without_whispers(np.array([0.6, 0.03, 0.0, 0.3, 0.03]))
    assert told == pytest.approx([2 / 3, 0, 0, 1 / 3, 0])
    murmur = np.full(40, 1 / 40)
    assert listening.without_whispers(murmur) == pytest.approx(murmur)  # or nobody would speak


def test_the_same_generator_gives_the_same_weights(rng):
    knows, guesses, relevant = world(rng)
    question = Question.asked([knows, guesses], None, relevant)
    one, two = (
        listening.weights([question], rng=np.random.default_rng(5)).tolist() for _ in range(2)
    )
    assert one == two
