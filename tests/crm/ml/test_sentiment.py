"""The sentiment classifier: the contract, both languages, honest chances, and public data."""

from pathlib import Path

import numpy as np
import pytest

from crm.ml.evaluation import f1_by_label
from crm.ml.sentiment import SentimentClassifier
from tests.contracts import EstimatorContract

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "sentiment"
GOOD = [
    "质量很好",
    "非常喜欢",
    "物流很快",
    "味道不错",
    "很满意",
    "love it",
    "great phone",
    "works well",
]
BAD = [
    "质量很差",
    "太失望了",
    "物流太慢",
    "味道难吃",
    "不满意",
    "hate it",
    "awful phone",
    "broke soon",
]
FAIR = ["一般般", "还可以", "凑合", "中规中矩", "it is okay", "average", "so so", "nothing special"]


def world(*, labels=2, embedding=False):
    """Sentences of two or three moods, put together so that each mood has words of its own."""
    rng = np.random.default_rng(0)
    moods = [GOOD, BAD, FAIR][:labels]
    rows = [
        ("，".join(rng.choice(mood, 2)), f"mood {place}")
        for place, mood in enumerate(moods)
        for _ in range(40)
    ]
    texts, named = [t for t, _ in rows], [n for _, n in rows]
    dense = rng.normal(size=(len(rows), 8)).astype(np.float32) if embedding else None
    return texts, named, dense


class SentimentContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return SentimentClassifier()

    def fit(self, estimator, data):
        return estimator.fit(*data)

    def answer(self, estimator, data):
        return estimator.chances(data[0], data[2])


class TestTwoLabelsFromWords(SentimentContract):
    @pytest.fixture
    def data(self):
        return world()


class TestThreeLabelsWithAnEmbedding(SentimentContract):
    @pytest.fixture
    def data(self):
        return world(labels=3, embedding=True)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("embedding", [False, True])
def test_what_was_learned_is_told_apart_with_chances_that_sum_to_one(labels, embedding):
    texts, named, dense = world(labels=labels, embedding=embedding)
    classifier = SentimentClassifier().fit(texts, named, dense)
    said = classifier.predict(texts, dense)
    assert np.mean([j.label == n for j, n in zip(said, named, strict=True)]) > 0.95
    assert np.allclose(classifier.chances(texts, dense).sum(axis=1), 1)
    assert all(j.confidence == max(j.chances.values()) for j in said)


def test_without_the_embedding_words_answer_alone():
    texts, named, dense = world(embedding=True)
    classifier = SentimentClassifier().fit(texts, named, dense)
    said = classifier.predict(texts)
    assert np.mean([j.label == n for j, n in zip(said, named, strict=True)]) > 0.95


def test_an_embedding_that_was_not_there_in_training_is_not_asked_for():
    texts, named, _ = world()
    classifier = SentimentClassifier().fit(texts, named)
    assert not classifier.uses_embeddings
    dense = np.ones((len(texts), 8))
    assert np.array_equal(classifier.chances(texts, dense), classifier.chances(texts))


def test_words_never_heard_leave_it_unsure():
    texts, named, _ = world()
    classifier = SentimentClassifier().fit(texts, named)
    strange, empty, known = classifier.predict(["zzz qqq", "", GOOD[0]])
    assert max(strange.confidence, empty.confidence) < known.confidence


def test_one_label_is_refused():
    with pytest.raises(ValueError, match="at least two labels"):
        SentimentClassifier().fit(["a", "b"], ["good", "good"])


def test_a_label_of_a_single_text_does_not_break_the_folds():
    texts, named, _ = world()
    classifier = SentimentClassifier().fit([*texts, "奇怪"], [*named, "odd"])
    assert classifier.labels_ == ["mood 0", "mood 1", "odd"]
    assert np.isfinite(classifier.chances(texts)).all()


def test_f1_counts_each_label_that_was_wanted_or_said():
    assert f1_by_label(["a", "a", "b"], ["a", "b", "c"]) == {
        "a": pytest.approx(2 / 3),
        "b": 0.0,
        "c": 0.0,
    }


@pytest.mark.skipif(not SHARED.exists(), reason=f"public data is not at {SHARED}")
@pytest.mark.parametrize(
    ("name", "floor"), [("waimai.zh", 0.86), ("shopping.zh", 0.87), ("sst2.en.train", 0.72)]
)
def test_public_reviews_are_told_apart_by_words_alone(name, floor):
    """A fixed sample, so that it is quick; bench/text.py has the whole and the peers beside it."""
    import pandas as pd

    table = pd.read_csv(SHARED / f"{name}.csv.gz", dtype=str, keep_default_na=False)
    table = table.drop_duplicates("text").sample(4000, random_state=0)
    texts, labels = table["text"].tolist(), table["label"].tolist()
    classifier = SentimentClassifier().fit(texts[:3000], labels[:3000])
    chances = classifier.chances(texts[3000:])
    said = np.array(classifier.labels_)[chances.argmax(axis=1)]
    assert (said == np.array(labels[3000:])).mean() >= floor
