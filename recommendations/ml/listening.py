"""How loud each voice of a blend may be: greedy selection on questions whose answer is known.

Greedy ensemble selection (Caruana et al. 2004): starting from nothing, add the voice that lifts
NDCG@10 the most, again and again, with repetition; averaged over samples of half of the rows, as
one window is one opinion. A question is rows with what each voice says of them, what they had
before, and what they chose then. Several questions are answered together, each in parts of what
its best single voice reaches, so that an easy one is not worth more.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

ROUNDS = 10
SAMPLES = 5
QUIETEST = 0.04  # share of the weights below which a voice is not heard at all
CANDIDATES = 300  # products of a row that any voice puts near the top
PLACES = 10
DISCOUNT = 1.0 / np.log2(np.arange(2, PLACES + 2))


@dataclass(frozen=True)
class Question:
    """said: (voices, rows, candidates) standardised; hit: (rows, candidates); ideal: (rows,)."""

    said: np.ndarray
    hit: np.ndarray
    ideal: np.ndarray

    @classmethod
    def asked(
        cls, said: list[np.ndarray], seen: sparse.csr_matrix | None, relevant: sparse.csr_matrix
    ) -> Self:
        """said: (rows, products) of every voice; seen is left out of the lists; rows without
        anything relevant are left out of the question."""
        rows = np.flatnonzero(np.diff(relevant.indptr) > 0)
        whole = np.stack([one[rows] for one in said]).astype(np.float32)
        if seen is not None:
            cells = seen[rows].tocoo()
            whole[:, cells.row, cells.col] = -np.inf
        width = min(CANDIDATES, whole.shape[2])
        # What no voice praises is in no list: the rest need not be sorted ten thousand times.
        columns = np.argpartition(-whole.max(axis=0), width - 1, axis=1)[:, :width]
        columns.sort(axis=1)
        near = np.take_along_axis(whole, columns[None], axis=2)
        mine = relevant[rows]
        hit = np.asarray(mine[np.arange(len(rows))[:, None], columns].todense()) > 0
        ideal = np.cumsum(DISCOUNT)[np.minimum(np.diff(mine.indptr), PLACES) - 1]
        return cls(np.where(np.isfinite(near), near, -1e6), hit, ideal)

    @classmethod
    def joined(cls, parts: "list[Question]") -> Self:
        """One question of the rows of several that were asked of the same voices."""
        return cls(
            np.concatenate([one.said for one in parts], axis=1),
            np.concatenate([one.hit for one in parts]),
            np.concatenate([one.ideal for one in parts]),
        )

    def take(self, rows: np.ndarray) -> "Question":
        return Question(self.said[:, rows], self.hit[rows], self.ideal[rows])

    def quality(self, scores: np.ndarray) -> float:
        """Mean NDCG@10 of (rows, candidates) scores."""
        places = min(PLACES, scores.shape[1])
        top = np.argpartition(-scores, places - 1, axis=1)[:, :places]
        best = np.take_along_axis(scores, top, axis=1)
        top = np.take_along_axis(top, np.argsort(-best, axis=1, kind="stable"), axis=1)
        gained = np.take_along_axis(self.hit, top, axis=1) @ DISCOUNT[:places]
        return float((gained / self.ideal).mean())

    def __len__(self) -> int:
        return len(self.ideal)


def weights(questions: list[Question], *, rng: np.random.Generator) -> np.ndarray:
    """(voices,) adding up to one. Every question has the same voices and at least one row."""
    total = np.zeros(len(questions[0].said))
    for _ in range(SAMPLES):
        halves = [
            one.take(np.sort(rng.choice(len(one), (len(one) + 1) // 2, replace=False)))
            for one in questions
        ]
        total += _greedy(halves)
    return without_whispers(total)


def without_whispers(weights: np.ndarray) -> np.ndarray:
    """(voices,) adding up to one, those below QUIETEST silent.

    A whisper costs as much time at every request as a voice, and says little of later time: on
    ten inner windows of the public splits four hundredths cost next to nothing, six one per cent.
    """
    least = min(QUIETEST * weights.sum(), weights.max())
    kept = np.where(weights < least, 0.0, weights)
    return np.asarray(kept / kept.sum())


def _greedy(questions: list[Question]) -> np.ndarray:
    """(voices,) share of the rounds in which adding the voice helped the most."""
    voices = range(len(questions[0].said))
    alone = [max(max(one.quality(one.said[v]) for v in voices), 1e-9) for one in questions]
    counts, reached = np.zeros(len(voices)), -1.0
    sums = [np.zeros(one.hit.shape, dtype=np.float32) for one in questions]
    for _ in range(ROUNDS):
        tried = [
            sum(
                one.quality(total + one.said[v]) / best
                for one, total, best in zip(questions, sums, alone, strict=True)
            )
            for v in voices
        ]
        best = int(np.argmax(tried))
        if tried[best] <= reached:
            break
        reached = tried[best]
        counts[best] += 1
        sums = [total + one.said[best] for one, total in zip(questions, sums, strict=True)]
    return counts / counts.sum()
