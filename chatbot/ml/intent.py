"""What a message wants, and how sure that is.

A machine on words, character runs and a frozen sentence embedding (where there is one), that
compares with every example or weighs each word. Its scores are made into calibrated chances on
messages it was not fitted on, and a gate says when the answer is "I don't know".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from chatbot.ml import kernel
from chatbot.ml.calibration import Calibration
from chatbot.ml.gate import (
    KEPT,
    Fold,
    Gate,
    Surroundings,
    View,
    known_shares,
    shares_of_words,
    spoken_by,
)
from chatbot.ml.labels import Intents
from chatbot.ml.machines import Material
from chatbot.ml.machines import fit as fit_machines
from chatbot.ml.spelling import Speller
from crm.ml.estimator import State
from crm.ml.joined import MULTILINGUAL
from crm.ml.vectors import Vectors

MANY = 3_000  # examples: a fifth of them is enough to calibrate on, fewer are all held out in turn
FOLDS = 5

Strangers = tuple[Sequence[str], np.ndarray | None]


class OtherEncoder(ValueError):
    """The embeddings are not of the encoder that the classifier was fitted with."""


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

    Settings: how strongly to fit a linear machine and how much the embedding counts in it,
    whether every example is compared with instead, the share of what is in scope that must pass
    the gate, whether labels have topics, and the seed."""

    name: ClassVar[str] = "intents"
    format: ClassVar[int] = 3

    def __init__(
        self,
        cost: float = 0.5,
        dense_weight: float = 2.0,
        seed: int = 0,
        *,
        compares: bool = True,
        kept: float = KEPT,
        topics: bool = True,
    ) -> None:
        self.kept = kept
        self.topics = topics
        self.compares = compares
        self.cost = cost
        self.dense_weight = dense_weight
        self.seed = seed

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        embeddings: np.ndarray | None = None,
        *,
        strangers: Strangers | None = None,
        encoder: str = MULTILINGUAL,
    ) -> Self:
        """Learn from texts and their intents; `embeddings` has one row a text, or is None.

        strangers: texts known to have none of the intents, with their embeddings.
        encoder: the name of what made the embeddings; what is asked later must be of the same.
        """
        self.encoder_ = "" if embeddings is None else encoder
        for turned in ("_intents", "_places"):
            self.__dict__.pop(turned, None)
        self.labels_ = sorted(set(labels))
        self.vectors_ = Vectors().fit(texts)
        material = self._material(texts, labels, embeddings)
        folds = _folds(material.target, np.random.default_rng(self.seed))
        machines, scores = fit_machines(material, folds, cost=self.cost, seed=self.seed)
        self.weights_, self.bias_ = machines.weights, machines.bias
        self.meanings_ = machines.meanings
        truth = np.concatenate([material.target[held_out] for held_out in folds])
        self.calibration_ = Calibration(mends=self.compares).fit(np.vstack(scores), truth)
        points = material.points
        self.memory_ = None if points is None else points.astype(np.float16)
        self.memory_labels_ = self._intents.of_label[material.target]
        self._surroundings = self._all_examples()
        self._fit_gate(texts, material, folds, scores, strangers)
        return self

    def speller(self, is_word: Callable[[str], bool]) -> Speller:
        """Reads texts as they were probably meant, before they are encoded and predicted."""
        return Speller(self.vectors_.counts, is_word)

    def predict(self, texts: Sequence[str], embeddings: np.ndarray | None = None) -> list[Guess]:
        """The guess for each text; the chances of one text sum to one.

        Raises OtherEncoder where embeddings have another width than what it was fitted with.
        """
        points, near = self._near(embeddings)
        scores = self._scores(texts, points, near)
        chances = self.calibration_.chances(scores)
        words = known_shares(texts, self._places)
        view = View(self._intents.scores(scores), self._intents.chances(chances), words, points)
        known = self.gate_.known(view, self._surroundings, near)
        return [
            self._guess(intents, labels, float(k))
            for intents, labels, k in zip(view.chances, chances, known, strict=True)
        ]

    def state(self) -> State:
        arrays: dict[str, np.ndarray] = {
            "weights": self.weights_.astype(np.float32),
            "bias": self.bias_.astype(np.float32),
            "memory_labels": self.memory_labels_.astype(np.int32),
            **self.gate_.arrays(),
            **self.vectors_.arrays(),
        }
        if self.memory_ is not None:
            arrays["memory"] = self.memory_
        if self.meanings_ is not None:
            arrays["meanings"] = self.meanings_
        settings: dict[str, Any] = {
            "cost": self.cost,
            "dense_weight": self.dense_weight,
            "seed": self.seed,
            "compares": self.compares,
            "kept": self.kept,
            "labels": self.labels_,
            "topics": self.topics,
            "encoder": {"name": self.encoder_, "width": self.width},
            **self.calibration_.settings(),
            **self.gate_.settings(),
        }
        return State(arrays, settings)

    @classmethod
    def from_state(cls, state: State) -> Self:
        settings = dict(state.settings)
        classifier = cls(settings["cost"], settings["dense_weight"], settings["seed"])
        classifier.compares = bool(settings["compares"])
        classifier.kept = float(settings["kept"])
        classifier.labels_ = list(settings["labels"])
        classifier.topics = bool(settings["topics"])
        classifier.calibration_ = Calibration.from_settings(settings)
        classifier.weights_ = state.arrays["weights"]
        classifier.bias_ = state.arrays["bias"]
        classifier.gate_ = Gate.from_state(state.arrays, settings)
        classifier.memory_labels_ = state.arrays["memory_labels"]
        classifier.memory_ = state.arrays.get("memory")
        classifier.meanings_ = state.arrays.get("meanings")
        classifier.vectors_ = Vectors.from_arrays(state.arrays)
        unnamed = MULTILINGUAL if classifier.uses_embeddings else ""  # there was no other
        classifier.encoder_ = str(settings.get("encoder", {}).get("name", unnamed))
        classifier._surroundings = classifier._all_examples()
        return classifier

    @property
    def uses_embeddings(self) -> bool:
        return self.memory_ is not None

    @property
    def width(self) -> int:
        """Of the embeddings it was fitted with, 0 without any."""
        return 0 if self.memory_ is None else int(self.memory_.shape[1])

    @property
    def vocabulary(self) -> frozenset[str]:
        return self.vectors_.vocabulary

    @property
    def threshold_(self) -> float:
        """Below it, what is "known" counts as out of scope."""
        return self.gate_.threshold_

    labels_: list[str]
    encoder_: str  # "" where it was fitted on words alone
    vectors_: Vectors
    weights_: np.ndarray
    bias_: np.ndarray
    calibration_: Calibration
    gate_: Gate
    memory_: np.ndarray | None
    memory_labels_: np.ndarray
    meanings_: np.ndarray | None  # (examples, labels) what nearness to each example says
    _surroundings: Surroundings | None

    @cached_property
    def _intents(self) -> Intents:
        return Intents(self.labels_, topics=self.topics)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(sorted(self.vectors_.vocabulary))}

    def _material(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        embeddings: np.ndarray | None,
    ) -> Material:
        target = np.searchsorted(np.array(self.labels_), np.array(labels))
        return Material(
            self.vectors_.transform(texts),
            None if embeddings is None else _unit(embeddings).astype(np.float32),
            target,
            self._intents.worth(target),
            len(self.labels_),
            self.dense_weight,
            self.compares,
        )

    def _scores(
        self, texts: Sequence[str], points: np.ndarray | None, near: np.ndarray | None
    ) -> np.ndarray:
        """Row by row: a sparse matrix costs more to make than the few products in it."""
        rows = self.vectors_.rows(texts)
        scores = np.array([np.take(self.weights_, at, axis=1) @ said for at, said in rows])
        scores = scores + self.bias_
        if points is not None and self.meanings_ is None:
            by_meaning = self.weights_[:, self.weights_.shape[1] - points.shape[1] :]
            scores += points * self.dense_weight @ by_meaning.T
        if near is not None and self.meanings_ is not None:
            scores = scores + kernel.likeness(near) @ self.meanings_
        return scores

    def _view(self, texts: Sequence[str], scores: np.ndarray, points: np.ndarray | None) -> View:
        chances = self._intents.chances(self.calibration_.chances(scores))
        words = shares_of_words(texts, self._places)
        return View(self._intents.scores(scores), chances, words, points)

    def _fit_gate(
        self,
        texts: Sequence[str],
        material: Material,
        folds: list[np.ndarray],
        scores: list[np.ndarray],
        strangers: Strangers | None,
    ) -> None:
        owners = self._intents.of_label[material.target]
        words = shares_of_words(texts, self._places)
        seen_in: list[Fold] = []
        for held_out, said in zip(folds, scores, strict=True):
            rows = np.flatnonzero(held_out)
            rest = np.flatnonzero(~held_out) if not held_out.all() else rows
            points = material.points
            view = self._view(
                [texts[row] for row in rows.tolist()],
                said,
                None if points is None else points[rows],
            )
            around = None
            if points is not None:
                around = Surroundings(points[rest], owners[rest], len(self._intents.names))
            spoken = spoken_by(words[rest], owners[rest], len(self._intents.names))
            seen_in.append(Fold(view, owners[rows], around, spoken))
        unknown = None
        if strangers is not None and len(strangers[0]):
            points, near = self._near(strangers[1])
            unknown = self._view(strangers[0], self._scores(strangers[0], points, near), points)
        self.gate_ = Gate(self.kept).fit(seen_in, unknown, np.random.default_rng(self.seed))

    def _near(self, embeddings: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The rows of unit length, and their nearness to every example."""
        if self.memory_ is None or embeddings is None or self._surroundings is None:
            return None, None
        if embeddings.shape[1] != self.width:
            known = f"{self.encoder_}, {self.width} numbers a text"
            raise OtherEncoder(f"fitted with {known}; asked with {embeddings.shape[1]}")
        points = _unit(embeddings)
        return points, self._surroundings.nearness(points)

    def _all_examples(self) -> Surroundings | None:
        if self.memory_ is None:
            return None
        return Surroundings(self.memory_, self.memory_labels_, len(self._intents.names))

    def _guess(self, intents: np.ndarray, labels: np.ndarray, known: float) -> Guess:
        best = np.argsort(-intents)[:5]
        named = tuple((self._intents.names[i], round(float(intents[i]), 4)) for i in best)
        return Guess(named, known, self._intents.topics(labels))


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _folds(target: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Masks of rows that are held out: each in turn, or a fifth of many.

    A share of each intent; intents of too few examples stay with the rest.
    """
    place = np.full(len(target), -1)
    for label in np.unique(target):
        rows = rng.permutation(np.flatnonzero(target == label))
        if len(rows) > 1:
            place[rows] = (np.arange(len(rows)) + rng.integers(FOLDS)) % FOLDS
    folds = [place == fold for fold in range(FOLDS if len(target) < MANY else 1)]
    folds = [fold for fold in folds if fold.any()]
    return folds or [np.ones(len(target), bool)]
