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
    @staticmethod
    def examples():
        lexical = Vectors().fit(TEXTS).transform(TEXTS)
        signs = np.where(OWNERS[:, None] == np.arange(6), 1.0, -1.0)
        return kernel.Examples(lexical, unit(POINTS), signs, np.linspace(0.5, 2, 180))

    @pytest.mark.parametrize("share", kernel.SHARES)
    def test_left_out_is_as_if_it_had_never_been_there(self, share):
        examples = self.examples()
        told = kernel.solve(examples, share=share, judged=5).left_out
        for back in range(1, 6):
            rest = np.delete(np.arange(180), 180 - back)
            others = kernel.solve(examples.some(rest), share=share, judged=1)
            near = examples.points[[-back]] @ examples.points[rest].T
            scores = examples.lexical[[180 - back]] @ others.words
            scores = scores + kernel.likeness(near) @ others.meanings
            assert np.allclose(told[-back], scores, atol=1e-3)

    def test_the_table_is_the_same_however_it_is_cut(self, monkeypatch):
        whole = kernel.solve(self.examples(), share=0.2, judged=180)
        monkeypatch.setattr(kernel, "AT_ONCE", 7)
        pieces = kernel.solve(self.examples(), share=0.2, judged=180)
        assert np.allclose(whole.meanings, pieces.meanings, atol=1e-4)

    def test_words_that_tell_nothing_count_least(self):
        examples = self.examples()
        shuffled = np.random.default_rng(1).permutation(180)
        noise = kernel.Examples(
            examples.lexical[shuffled], examples.points, examples.signs, examples.worth
        )
        assert kernel.best_share(noise, np.random.default_rng(0)) == min(kernel.SHARES)

    def test_too_many_examples_are_weighed_by_words(self, monkeypatch):
        monkeypatch.setattr(kernel, "MOST", 100)
        classifier = IntentClassifier().fit(TEXTS, LABELS, POINTS)
        assert classifier.meanings_ is None
        assert classifier.predict(TEXTS[:1], POINTS[:1])[0].name == "intent0"

    def test_one_message_is_as_near_as_among_others(self):
        around = Surroundings(unit(POINTS), OWNERS, 6)
        together = around.nearness(unit(POINTS[:3]))
        assert np.allclose(around.nearness(unit(POINTS[:1])), together[:1], atol=1e-5)

    @pytest.mark.parametrize("compares", [True, False])
    def test_the_setting_survives_the_round_trip(self, compares):
        classifier = IntentClassifier(compares=compares).fit(TEXTS, LABELS, POINTS)
        state = classifier.state()
        assert ("meanings" in state.arrays) == compares
        again = IntentClassifier.from_state(State(dict(state.arrays), dict(state.settings)))
        assert again.compares == compares
        assert again.predict(TEXTS[:3], POINTS[:3])[0].name == "intent0"
