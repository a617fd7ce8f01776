"""What customers need: three machines on the same folds, the best kept."""

import numpy as np
import pytest

from crm.ml.needs import KINDS, WORDS, NeedsClassifier, by_words
from crm.opinions import seeds
from tests.contracts import EstimatorContract

ROWS = seeds.needs()
TEXTS, LABELS = [t for t, _ in ROWS], [n for _, n in ROWS]


@pytest.fixture(scope="module", params=[*KINDS, None])
def kind(request):
    return request.param


class TestNeeds(EstimatorContract):
    @pytest.fixture
    def estimator(self, kind):
        return NeedsClassifier(kind)

    @pytest.fixture
    def data(self):
        return TEXTS, LABELS

    def fit(self, estimator, data):
        return estimator.fit(*data)

    def answer(self, estimator, data):
        return estimator.chances(data[0])

    def test_what_was_taught_is_known(self, estimator, data):
        said = [need for need, _ in self.fit(estimator, data).predict(TEXTS)]
        assert np.mean([s == n for s, n in zip(said, LABELS, strict=True)]) > 0.9

    def test_chances_sum_to_one(self, estimator, data):
        assert np.allclose(self.fit(estimator, data).chances(["退货", "zzz", ""]).sum(axis=1), 1)


def test_the_best_of_the_comparison_is_kept():
    classifier = NeedsClassifier().fit(TEXTS, LABELS)
    assert set(classifier.comparison_) == set(KINDS)
    assert classifier.comparison_[classifier.kept_] == max(classifier.comparison_.values())


def test_flattened_trees_answer_as_the_forest_does():
    from sklearn.ensemble import RandomForestClassifier

    from crm.ml.needs import _fit_forest, _walk

    rng = np.random.default_rng(0)
    rows, target = rng.normal(size=(200, 6)).astype(np.float32), rng.integers(3, size=200)
    forest = RandomForestClassifier(50, class_weight="balanced_subsample", random_state=3)
    forest.fit(rows, target)
    assert np.allclose(_walk(rows, _fit_forest(rows, target, 3, 3)), forest.predict_proba(rows))


def test_an_embedding_is_used_where_there_was_one_and_missed_without_harm():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(len(TEXTS), 512))
    classifier = NeedsClassifier("svm").fit(TEXTS, LABELS, dense)
    assert classifier.chances(TEXTS, dense).shape == classifier.chances(TEXTS).shape


@pytest.mark.parametrize(
    ("text", "need"),
    [("我要退货", "after_sales"), ("any coupon?", "price"), ("快递到哪了", "delivery"), ("blorf", "")],
)  # fmt: skip
def test_telling_words_are_the_baseline(text, need):
    assert by_words(text)[0] == need


def test_every_need_has_words_and_sentences():
    assert set(WORDS) | {"other"} == set(LABELS)
