"""The form in which the blend serves says what the estimators say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml.compiled import Row, blend, compiled, items, moments
from recommendations.ml.compiled import voice as forms
from recommendations.ml.compiled.blend import CompiledBlend
from recommendations.ml.hybrid import Hybrid, standardised
from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender
from recommendations.ml.voices import VOICES
from tests.recommendations.ml.worlds import two_tastes

SETTINGS = {
    "linear-transitions": [{}, {"l2": 20.0}],
    "session-knn": [{}],
    "popularity": [{}, {"half_life": 30.0}],
    "ease": [{"fading": 0.8}, {"half_life": 20.0, "l2": 20.0}],
    "item-knn": [{}, {"fading": 0.9}, {"half_life": 20.0}, {"k": 2}],
    "user-knn": [{}, {"fading": 0.8}, {"half_life": 20.0}, {"k": 3, "half_life": 20.0}],
    "als": [{"factors": 6}, {"factors": 6, "fading": 0.8}, {"factors": 5, "half_life": 20.0}],
    "bpr": [{"factors": 4, "iterations": 5}],
    "truncated-svd": [{"factors": 6, "fading": 0.9}, {"factors": 4, "half_life": 20.0}],
    "sequential": [{}, {"last": 2}],
    "content": [{"fading": 0.8}, {"half_life": 20.0}],
    "history": [{}],
    "svd": [{"factors": 3, "epochs": 2}],
}
EVERY = [(name, one) for name, settings in SETTINGS.items() for one in settings]
NAMES = [f"{name} {settings}" for name, settings in EVERY]


def world(*, ratings=False):
    """Customers of two tastes, with features of words that overlap."""
    rng = np.random.default_rng(3)
    data, _ = two_tastes(customers=60, products=40, ratings=ratings)
    words = sparse.random(40, 30, density=0.2, random_state=rng, format="csr")
    return replace(data, features=words)


@pytest.fixture(scope="module", params=[False, True], ids=["implicit", "ratings"])
def data(request):
    return world(ratings=request.param)


def test_rows_are_added_alike_whether_they_are_long_or_short(monkeypatch):
    matrix = sparse.random(20, 50, density=0.3, format="csr", random_state=1)
    rows, weights = np.array([3, 0, 17]), np.array([0.5, 2.0, 1.0])
    for long in (0, 1_000):
        monkeypatch.setattr(forms, "LONG", long)
        assert forms.added(matrix, rows, weights) == pytest.approx(weights @ matrix[rows])
        assert not forms.added(matrix, rows[:0], weights[:0]).any()


def test_what_is_written_says_the_same_of_common_words_and_of_rare_ones(monkeypatch):
    data = world()
    content = VOICES["content"]().fit(data)
    for rarely in (0.0, 1.0):
        monkeypatch.setattr(items, "RARELY", rarely)
        row = data.take([5])
        heard = compiled(content).hear(Row(row))
        assert heard.scores == pytest.approx(content.score(row)[0], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("name", "given"), EVERY, ids=NAMES)
class TestOneVoice:
    @pytest.fixture
    def voice(self, data, name, given):
        return VOICES[name](**given).fit(data)

    def test_it_says_what_the_estimator_says(self, data, voice):
        columns = np.arange(data.shape[1])
        fast = compiled(voice)
        for customer in range(0, 60, 7):
            row = data.take([customer])
            mine, slow = Row(row), voice.score(row)[0]
            heard = fast.hear(mine)
            assert fast.at(mine, heard, columns) == pytest.approx(slow, rel=1e-5, abs=1e-5)
            assert heard.mean == pytest.approx(slow.mean(), rel=1e-5, abs=1e-6)
            assert heard.deviation == pytest.approx(slow.std(), rel=1e-4, abs=1e-6)

    def test_its_pieces_are_those_of_the_estimator(self, data, voice):
        row = data.take([5])
        columns = np.array([0, 3, 8])
        fast = compiled(voice).pieces(Row(row), columns)
        slow = [voice.pieces(row, int(column)) for column in columns]
        if fast is None:
            assert slow == [None] * 3
        else:
            assert fast == pytest.approx(np.array(slow).T, rel=1e-4, abs=1e-6)

    def test_it_comes_back_from_its_state_the_same(self, data, voice):
        again = type(voice).from_state(voice.state())
        row = Row(data.take([11]))
        first, second = compiled(voice), compiled(again)
        columns = np.arange(40)
        assert np.array_equal(
            first.at(row, first.hear(row), columns), second.at(row, second.hear(row), columns)
        )

    def test_who_chose_nothing_is_answered(self, data, voice):
        nobody = replace(data, values=sparse.csr_matrix((1, 40)), days=np.zeros(0), log=None)
        row, fast = Row(nobody), compiled(voice)
        said = fast.at(row, fast.hear(row), np.arange(40))
        assert said == pytest.approx(voice.score(nobody)[0], abs=1e-5)


class TestTheBlend:
    @pytest.fixture(scope="class")
    def blend(self):
        """Everybody is heard, in four groups with weights of their own."""
        data = world()
        parts = tuple((name, settings[0]) for name, settings in SETTINGS.items())
        blend = Hybrid(parts=parts).fit(data)
        weights = np.random.default_rng(0).random((4, len(parts)))
        weights[2, 3] = weights[3, 4] = 0.0
        blend.weights_ = weights / weights.sum(axis=1, keepdims=True)
        blend.heard_ = np.arange(len(parts))
        return blend.refit(data), data

    def test_it_scores_as_the_hybrid_does(self, blend):
        blend, data = blend
        fast = CompiledBlend(blend, products=40)
        for customer in range(60):
            row = data.take([customer])
            said = fast.listen(row)
            mine = fast.score(said, blend.weights_of(row)[0])
            assert mine.dtype == np.float32
            assert mine == pytest.approx(blend.score(row)[0], rel=1e-5, abs=1e-5)

    def test_a_short_history_is_scored_by_its_own_weights(self, blend):
        blend, data = blend
        fast = CompiledBlend(blend, products=40)
        one = sparse.csr_matrix(([1.0], ([0], [7])), shape=(1, 40))
        row = Interactions(one, np.array([3.0]), 9.0, data.features)
        mine = fast.score(fast.listen(row), blend.weights_of(row)[0])
        assert mine == pytest.approx(blend.score(row)[0], rel=1e-5, abs=1e-5)

    def test_what_a_voice_says_is_standardised_as_in_the_hybrid(self, blend):
        blend, data = blend
        row = data.take([9])
        said = CompiledBlend(blend, products=40).listen(row)
        columns = np.array([1, 17, 30])
        for number, voice in blend.voices().items():
            slow = standardised(voice.score(row))[0, columns]
            assert said.standardised(number, columns) == pytest.approx(slow, rel=1e-4, abs=1e-5)

    def test_a_voice_that_weighs_nothing_is_not_even_asked(self, blend):
        blend, data = blend
        row = data.take([9])  # a longer history: of the second group
        fast = CompiledBlend(blend, products=40)
        said = fast.listen(row)
        fast.score(said, blend.weights_of(row)[0])
        assert 4 not in said.heard
        assert 0 in said.heard

    def test_a_blend_without_factors_is_scored_too(self):
        data = world()
        blend = Hybrid(parts=(("popularity", {}), ("ease", {}))).fit(data)
        row = data.take([2])
        fast = CompiledBlend(blend, products=40)
        mine = fast.score(fast.listen(row), blend.weights_of(row)[0])
        assert mine == pytest.approx(blend.score(row)[0], abs=1e-5)


class Stranger(Recommender):
    """A voice of a later day."""

    name = "stranger"

    def score(self, rows):
        return np.tile(np.arange(5.0), (rows.shape[0], 1))


def test_a_voice_without_a_faster_form_is_asked_as_it_is():
    row = Row(Interactions(sparse.csr_matrix(np.ones((1, 5))), np.zeros(5), 0.0))
    fast = compiled(Stranger())
    assert fast.at(row, fast.hear(row), np.array([0, 4])).tolist() == [0.0, 4.0]
    assert fast.pieces(row, np.array([1])) is None


@pytest.mark.parametrize(
    "scores", [np.full(1000, 3.3), 1e4 + np.arange(1000) / 1e3, np.zeros(5), np.arange(7.0)]
)
def test_mean_and_deviation_survive_large_means(scores):
    mean, deviation = moments(scores.astype(np.float32))
    exact = scores.astype(np.float32).astype(float)
    assert mean == pytest.approx(exact.mean(), rel=1e-6)
    assert deviation == pytest.approx(exact.std(), rel=1e-3, abs=1e-9)


def test_nothing_has_no_moments():
    assert moments(np.zeros(0, dtype=np.float32)) == (0.0, 0.0)


class TestAVeryLargeCatalogue:
    """Above 100,000 products factors are read by an index; here the same, made small."""

    @pytest.fixture
    def world(self, monkeypatch):
        pytest.importorskip("faiss", reason="the index is an extra: requirements-scale.txt")
        monkeypatch.setattr(blend, "CANDIDATES", 12)
        data, _ = two_tastes(customers=120, products=80)
        return data

    def made(self, data, parts):
        learned = Hybrid(parts=parts).fit(data)
        products = data.shape[1]
        index = CompiledBlend.indexed(learned, products=products, exact_up_to=10)
        assert len(index)
        exact = CompiledBlend(learned, products=products)
        return learned, exact, CompiledBlend(learned, products=products, index=index)

    @pytest.mark.scale
    @pytest.mark.parametrize(
        "parts",
        [
            (("als", {"factors": 8, "iterations": 15}),),
            (("als", {"factors": 8, "iterations": 15}), ("item-knn", {})),
        ],
    )
    def test_the_best_are_those_of_the_whole_catalogue(self, world, parts):
        learned, exact, indexed = self.made(world, parts)
        for customer in range(20):
            row = world.take([customer])
            weights = learned.weights_of(row)[0]
            whole = exact.score(exact.listen(row), weights)
            found = indexed.score(indexed.listen(row), weights)
            best = np.argsort(-whole, kind="stable")[:5]
            # What no voice calls loudly is no candidate: near the end of a list one may be missed.
            assert np.allclose(found[best[:3]], whole[best[:3]], atol=1e-4)
            assert len(set(np.argsort(-found, kind="stable")[:5]) & set(best)) >= 4

    @pytest.mark.scale
    def test_what_is_no_candidate_has_a_finite_score(self, world):
        learned, _, indexed = self.made(world, (("als", {"factors": 8, "iterations": 15}),))
        row = world.take([0])
        scores = indexed.score(indexed.listen(row), learned.weights_of(row)[0])
        assert np.all(np.isfinite(scores))

    def test_a_small_catalogue_needs_no_index(self):
        data, _ = two_tastes()
        learned = Hybrid(parts=(("als", {"factors": 8, "iterations": 15}),)).fit(data)
        assert CompiledBlend.indexed(learned, products=data.shape[1]).tolist() == []
