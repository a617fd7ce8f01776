"""What a message wants, and how sure that is.

A linear machine on words, character runs and a frozen sentence embedding (where there is
one); its scores are made into calibrated chances on messages it was not fitted on, and a
small gate learned on intents left out says when the answer is "I don't know".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from scipy import optimize, sparse
from scipy.special import expit, logsumexp

from crm.ml.estimator import State
from crm.ml.evaluation import calibration_error
from crm.ml.vectors import Vectors

NEIGHBOURS = 5
KEPT = 0.95  # the gate must let this share of what is in scope pass


@dataclass(frozen=True)
class Guess:
    """Intents with their chances, best first, and the chance that it is any of them.

    topics: what it is about, best first, where the examples of an intent say so.
    """

    intents: tuple[tuple[str, float], ...]
    known: float
    topics: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        return self.intents[0][0]

    @property
    def confidence(self) -> float:
        return self.intents[0][1]


class IntentClassifier:
    """A label is an intent, or an intent and a topic of it ("faq/warranty"): learned apart,
    added up where the intent is asked for.

    Settings: how strongly to fit, how much the embedding counts, and the random seed."""

    name: ClassVar[str] = "intents"
    format: ClassVar[int] = 1

    def __init__(self, cost: float = 0.5, dense_weight: float = 2.0, seed: int = 0) -> None:
        self.cost = cost
        self.dense_weight = dense_weight
        self.seed = seed

    def fit(
        self, texts: Sequence[str], labels: Sequence[str], embeddings: np.ndarray | None = None
    ) -> Self:
        """Learn from texts and their intents; `embeddings` has one row a text, or is None."""
        for turned in ("_columns", "_neighbourhood", "_intents"):
            self.__dict__.pop(turned, None)
        self.labels_ = sorted(set(labels))
        self.vectors_ = Vectors().fit(texts)
        target = np.searchsorted(np.array(self.labels_), np.array(labels))
        features = self._features(texts, embeddings)
        rng = np.random.default_rng(self.seed)
        held_out = _held_out(target, rng, share=0.2)
        fitted = ~held_out if not held_out.all() else held_out  # too few examples to leave out
        weights, bias = self._fit_linear(features[fitted], target[fitted])
        scores = np.asarray(features[held_out] @ weights.T + bias)
        self.temperature_ = _temperature(scores, target[held_out])
        self.memory_ = _unit(embeddings).astype(np.float16) if embeddings is not None else None
        self.memory_labels_ = self._intents.of_label[target].astype(np.int32)
        self._fit_gate(scores, target, held_out, rng)
        self.weights_, self.bias_ = self._fit_linear(features, target)
        return self

    def predict(self, texts: Sequence[str], embeddings: np.ndarray | None = None) -> list[Guess]:
        """The guess for each text; the chances of one text sum to one."""
        features = self._features(texts, embeddings)
        scores = np.asarray(features @ self._columns + self.bias_)
        chances = _softmax(scores * self.temperature_)
        by_intent = self._intents.chances(chances)
        near = self._similarities(embeddings)
        known = self._known(self._intents.scores(scores), by_intent, near)
        return [
            self._guess(intents, labels, float(k))
            for intents, labels, k in zip(by_intent, chances, known, strict=True)
        ]

    def state(self) -> State:
        arrays: dict[str, np.ndarray] = {
            "weights": self.weights_.astype(np.float32),
            "bias": self.bias_.astype(np.float32),
            "gate": self.gate_.astype(np.float64),
            "memory_labels": self.memory_labels_,
            **self.vectors_.arrays(),
        }
        if self.memory_ is not None:
            arrays["memory"] = self.memory_
        settings: dict[str, Any] = {
            "cost": self.cost,
            "dense_weight": self.dense_weight,
            "seed": self.seed,
            "labels": self.labels_,
            "temperature": self.temperature_,
            "threshold": self.threshold_,
        }
        return State(arrays, settings)

    @classmethod
    def from_state(cls, state: State) -> Self:
        settings = dict(state.settings)
        classifier = cls(settings["cost"], settings["dense_weight"], settings["seed"])
        classifier.labels_ = list(settings["labels"])
        classifier.temperature_ = float(settings["temperature"])
        classifier.threshold_ = float(settings["threshold"])
        classifier.weights_ = state.arrays["weights"]
        classifier.bias_ = state.arrays["bias"]
        classifier.gate_ = state.arrays["gate"]
        classifier.memory_labels_ = state.arrays["memory_labels"]
        classifier.memory_ = state.arrays.get("memory")
        classifier.vectors_ = Vectors.from_arrays(state.arrays)
        return classifier

    @property
    def uses_embeddings(self) -> bool:
        return self.memory_ is not None

    @property
    def vocabulary(self) -> frozenset[str]:
        return self.vectors_.vocabulary

    labels_: list[str]
    vectors_: Vectors
    weights_: np.ndarray
    bias_: np.ndarray
    gate_: np.ndarray
    temperature_: float
    threshold_: float  # below it, what is "known" counts as out of scope
    memory_: np.ndarray | None
    memory_labels_: np.ndarray

    @cached_property
    def _columns(self) -> np.ndarray:
        """The weights as a product with sparse rows wants them, turned round once."""
        return np.ascontiguousarray(self.weights_.T, dtype=np.float64)

    @cached_property
    def _intents(self) -> "Intents":
        return Intents(self.labels_)

    @cached_property
    def _neighbourhood(self) -> np.ndarray:
        return np.asarray(self.memory_, dtype=np.float32)

    def _features(self, texts: Sequence[str], embeddings: np.ndarray | None) -> sparse.csr_matrix:
        lexical = self.vectors_.transform(texts)
        if embeddings is None:
            return lexical
        dense = sparse.csr_matrix(_unit(embeddings) * self.dense_weight)
        return sparse.csr_matrix(sparse.hstack([lexical, dense], format="csr"))

    def _fit_linear(
        self, features: sparse.csr_matrix, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.svm import LinearSVC  # slow to import, needed for fitting only

        # Balanced by intent: topics of one intent must not crowd out the others.
        counts = np.bincount(self._intents.of_label[target], minlength=len(self._intents.names))
        balanced = len(target) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        worth = {
            label: float(balanced[self._intents.of_label[label]]) for label in set(target.tolist())
        }
        svm = LinearSVC(C=self.cost, class_weight=worth, tol=1e-3, random_state=self.seed)
        svm.fit(features, target)
        weights = np.zeros((len(self.labels_), features.shape[1]))
        bias = np.full(len(self.labels_), -5.0)
        if len(svm.classes_) == 2:
            weights[svm.classes_] = np.vstack([-svm.coef_[0], svm.coef_[0]])
            bias[svm.classes_] = [-svm.intercept_[0], svm.intercept_[0]]
        else:
            weights[svm.classes_], bias[svm.classes_] = svm.coef_, svm.intercept_
        return weights, bias

    def _fit_gate(
        self, scores: np.ndarray, target: np.ndarray, held_out: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Learn to see strangers: hide a third of the intents in turn, and call theirs unknown."""
        from sklearn.linear_model import LogisticRegression

        rows, known = [], []
        truth, target = self._intents.of_label[target[held_out]], self._intents.of_label[target]
        chances_of = self._intents.chances(_softmax(scores * self.temperature_))
        scores = self._intents.scores(scores)
        order = rng.permutation(len(self._intents.names))
        memory = None if self.memory_ is None else self.memory_.astype(np.float32)
        for hidden in np.array_split(order, 3):
            shown = np.setdiff1d(order, hidden)
            if len(shown) < 2 or len(hidden) == 0:
                continue
            chances = chances_of[:, shown]
            chances = chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-12)
            near = None
            if memory is not None:
                pool = ~held_out & ~np.isin(target, hidden)
                near = memory[held_out] @ memory[pool].T
                near = _neighbours(near, target[pool])
            rows.append(_gate_features(scores[:, shown], chances, near))
            known.append(~np.isin(truth, hidden))
        if not rows or len(set(np.concatenate(known).tolist())) < 2:
            self.gate_ = np.zeros(7)
            self.gate_[0] = 3.0
            self.threshold_ = 0.5
            return
        gate = LogisticRegression(max_iter=500).fit(np.vstack(rows), np.concatenate(known))
        self.gate_ = np.concatenate([gate.intercept_, gate.coef_[0]])
        inside = self._known_rows(np.vstack(rows))[np.concatenate(known)]
        self.threshold_ = float(np.quantile(inside, 1 - KEPT))

    def _similarities(self, embeddings: np.ndarray | None) -> np.ndarray | None:
        if self.memory_ is None or embeddings is None:
            return None
        near = _unit(embeddings).astype(np.float32) @ self._neighbourhood.T
        return _neighbours(near, self.memory_labels_)

    def _known(
        self, scores: np.ndarray, chances: np.ndarray, near: np.ndarray | None
    ) -> np.ndarray:
        return self._known_rows(_gate_features(scores, chances, near))

    def _known_rows(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(expit(self.gate_[0] + features @ self.gate_[1:]))

    def _guess(self, intents: np.ndarray, labels: np.ndarray, known: float) -> Guess:
        best = np.argsort(-intents)[:5]
        named = tuple((self._intents.names[i], round(float(intents[i]), 4)) for i in best)
        return Guess(named, known, self._intents.topics(labels))


class Intents:
    """The intents that labels belong to, and back."""

    MOST_TOPICS = 3

    def __init__(self, labels: Sequence[str]) -> None:
        parents = [label.partition("/")[0] for label in labels]
        self.names = sorted(set(parents))
        self.of_label = np.searchsorted(np.array(self.names), np.array(parents))
        self.topic_of = [label.partition("/")[2] for label in labels]
        self.with_topic = np.array([i for i, topic in enumerate(self.topic_of) if topic], int)
        self.order = np.argsort(self.of_label, kind="stable")
        self.starts = np.flatnonzero(np.diff(self.of_label[self.order], prepend=-1))

    def chances(self, chances: np.ndarray) -> np.ndarray:
        """(rows, labels) -> (rows, intents), added up."""
        return np.asarray(np.add.reduceat(chances[:, self.order], self.starts, axis=1))

    def scores(self, scores: np.ndarray) -> np.ndarray:
        """(rows, labels) -> (rows, intents), the best label of each."""
        return np.asarray(np.maximum.reduceat(scores[:, self.order], self.starts, axis=1))

    def topics(self, chances: np.ndarray) -> tuple[tuple[str, float], ...]:
        """Topics by their chance among all that have one; nothing where no label has."""
        there = chances[self.with_topic]
        total = float(there.sum())
        if total <= 0:
            return ()
        best = np.argsort(-there)[: self.MOST_TOPICS]
        return tuple(
            (self.topic_of[self.with_topic[i]], round(float(there[i]) / total, 4)) for i in best
        )


def accuracy(guesses: Sequence[Guess], labels: Sequence[str]) -> Mapping[str, float]:
    """Accuracy, accuracy of each intent alike (macro), and expected calibration error."""
    right = np.array([g.name == label for g, label in zip(guesses, labels, strict=True)], float)
    sure = np.array([g.confidence for g in guesses])
    each = [right[[x == label for x in labels]].mean() for label in sorted(set(labels))]
    return {
        "accuracy": float(right.mean()),
        "macro_accuracy": float(np.mean(each)),
        "ece": calibration_error(sure, right),
    }


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _softmax(scores: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(scores - logsumexp(scores, axis=1, keepdims=True)))


def _held_out(target: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """A share of each intent; intents of one example stay with the rest."""
    chosen = np.zeros(len(target), bool)
    for label in np.unique(target):
        rows = rng.permutation(np.flatnonzero(target == label))
        chosen[rows[: int(len(rows) * share)]] = True
    if not chosen.any():
        chosen[:] = True
    return chosen


def _temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    def loss(log_t: float) -> float:
        scaled = scores * np.exp(log_t)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]))

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-2, 4), method="bounded").x))


def _neighbours(near: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Best similarity, mean of the best five, and how far those five agree."""
    k = min(NEIGHBOURS, near.shape[1])
    top = np.argpartition(-near, k - 1, axis=1)[:, :k]
    best = np.take_along_axis(near, top, axis=1)
    named = labels[top]
    agree = (named[:, :, None] == named[:, None, :]).mean(axis=2).max(axis=1)
    return np.column_stack([best.max(axis=1), best.mean(axis=1), agree])


def _gate_features(scores: np.ndarray, chances: np.ndarray, near: np.ndarray | None) -> np.ndarray:
    ordered = -np.partition(-scores, 1, axis=1)[:, :2]
    lexical = np.column_stack([ordered[:, 0], ordered[:, 0] - ordered[:, 1], chances.max(axis=1)])
    if near is None:
        near = np.zeros((len(scores), 3))
    return np.hstack([lexical, near])
