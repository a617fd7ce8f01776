"""The intents that labels belong to: a label is an intent, or an intent and a topic of it."""

from collections.abc import Sequence

import numpy as np


class Intents:
    """The intents that labels belong to, and back."""

    MOST_TOPICS = 3

    def __init__(self, labels: Sequence[str], *, topics: bool = True) -> None:
        """Without `topics` a label with a slash is an intent like any other."""
        split = [label.partition("/") if topics else (label, "", "") for label in labels]
        parents = [parent for parent, _, _ in split]
        self.names = sorted(set(parents))
        self.of_label = np.searchsorted(np.array(self.names), np.array(parents))
        self.topic_of = [topic for _, _, topic in split]
        self.with_topic = np.array([i for i, topic in enumerate(self.topic_of) if topic], int)
        self.order = np.argsort(self.of_label, kind="stable")
        self.starts = np.flatnonzero(np.diff(self.of_label[self.order], prepend=-1))

    def chances(self, chances: np.ndarray) -> np.ndarray:
        """(rows, labels) -> (rows, intents), added up."""
        return np.asarray(np.add.reduceat(chances[:, self.order], self.starts, axis=1))

    def scores(self, scores: np.ndarray) -> np.ndarray:
        """(rows, labels) -> (rows, intents), the best label of each."""
        return np.asarray(np.maximum.reduceat(scores[:, self.order], self.starts, axis=1))

    def worth(self, target: np.ndarray) -> np.ndarray:
        """(rows,) How much each row counts so that the intents count alike.

        Balanced by intent: topics of one intent must not crowd out the others.
        """
        counts = np.bincount(self.of_label[target], minlength=len(self.names))
        balanced = len(target) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        return np.asarray(balanced[self.of_label[target]])

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
