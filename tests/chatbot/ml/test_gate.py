"""Strangers are told from what is known."""

import numpy as np
import pytest

from chatbot.ml import kernel
from chatbot.ml.gate import Surroundings, shares_of_words, spoken_by
from chatbot.ml.intent import IntentClassifier
from crm.ml.estimator import State
from crm.ml.vectors import Vectors

RNG = np.random.default_rng(0)
MIDDLES = RNG.normal(size=(6, 16))
OWNERS = np.repeat(np.arange(6), 30)
POINTS = MIDDLES[OWNERS] + 0.2 * RNG.normal(size=(180, 16))
TEXTS = [f"please do number{owner} {place % 7}" for place, owner in enumerate(OWNERS)]
LABELS = [f"intent{owner}" for owner in OWNERS]
FAR = RNG.normal(size=(20, 16))
ODD = [f"utterly strange noise {n}" for n in range(20)]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def knowns(classifier, texts, points):
    return np.array([guess.known for guess in classifier.predict(texts, points)])


@pytest.mark.parametrize("strangers", [None, (ODD[:10], FAR[:10])], ids=["pretended", "real"])
def test_strangers_are_less_known_than_every_intent(strangers):
    classifier = IntentClassifier().fit(TEXTS, LABELS, POINTS, strangers=strangers)
    inside, outside = knowns(classifier, TEXTS, POINTS), knowns(classifier, ODD[10:], FAR[10:])
    assert np.median(outside) < np.quantile(inside, 0.05)


def test_the_threshold_keeps_the_share_it_must():
    strict, open_ = (IntentClassifier(kept=k).fit(TEXTS, LABELS, POINTS) for k in (0.8, 0.99))
    assert strict.threshold_ > open_.threshold_


def test_everything_passes_where_no_intent_can_be_hidden():
    classifier = IntentClassifier().fit(["yes", "sure", "no", "never"], ["y", "y", "n", "n"])
    assert classifier.predict(["😀"])[0].known > classifier.threshold_


def test_a_crowd_is_nearer_than_the_rest():
    around = Surroundings(unit(POINTS), OWNERS, 6)
    everything = np.arange(6)
    assert around.crowd(unit(POINTS), everything).min() > around.crowd(unit(FAR), everything).mean()


def test_words_count_only_where_a_shown_intent_has_them():
    words = shares_of_words(["red tea", "blue tea"], {"blue": 0, "red": 1, "tea": 2})
    spoken = spoken_by(words, np.array([0, 1]), 2)
    assert spoken.tolist() == [[False, True], [True, False], [True, True]]
    assert shares_of_words(["😀"], {"tea": 0}).nnz == 0


class TestComparingWithExamples:
    def test_the_first_rows_are_solved_as_if_alone(self):
        lexical, points = Vectors().fit(TEXTS).transform(TEXTS), unit(POINTS)
        signs = np.where(OWNERS[:, None] == np.arange(6), 1.0, -1.0)
        part, _ = kernel.solve(lexical, points, signs, np.ones(180), 100)
        _, alone = kernel.solve(lexical[:100], points[:100], signs[:100], np.ones(100), 100)
        assert np.allclose(part.meanings, alone.meanings, atol=1e-3)
        assert np.allclose(part.words, alone.words, atol=1e-3)

    @pytest.mark.parametrize("compares", [True, False])
    def test_the_setting_survives_the_round_trip(self, compares):
        classifier = IntentClassifier(compares=compares).fit(TEXTS, LABELS, POINTS)
        state = classifier.state()
        assert ("meanings" in state.arrays) == compares
        again = IntentClassifier.from_state(State(dict(state.arrays), dict(state.settings)))
        assert again.compares == compares
        assert again.predict(TEXTS[:3], POINTS[:3])[0].name == "intent0"
