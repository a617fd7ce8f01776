"""Which answer fits a question: words (BM25), character runs (BM25), meaning (embedding),
and groups of words that mean the same in both languages."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crm.ml.text import normalise, tokens_of

K1, B = 1.2, 0.6
OF_WORDS, OF_RUNS, OF_MEANINGS, OF_SENSE = 1.0, 1.0, 3.2, 5.0
THE_SAME = 2.0  # more for a question asked letter for letter, which may be short
HALFWAY, HALFWAY_BY_WORDS = 3.6, 1.6  # points at which an answer fits as often as not
STEEP = 1.6
STOP = frozenset(
    [
        "的",
        "了",
        "吗",
        "呢",
        "吧",
        "啊",
        "我",
        "你",
        "你们",
        "我们",
        "是",
        "能",
        "可以",
        "有",
        "怎么",
        "什么",
        "多",
        "请问",
        "a",
        "an",
        "the",
        "is",
        "are",
        "do",
        "does",
        "i",
        "you",
        "your",
        "my",
        "can",
        "to",
        "of",
        "it",
        "in",
        "for",
        "how",
        "what",
        "when",
        "on",
        "me",
        "we",
        "us",
        "be",
        "will",
        "and",
        "or",
        "if",
        "there",
        "any",
        "have",
        "has",
        "did",
        "was",
    ]
)


@dataclass(frozen=True)
class Entry:
    """An answer, and one of the ways to ask for it."""

    slug: str
    question: str


class QuestionBook:
    """Made from the questions once, asked for every message. Nothing is trained.

    entries: (answer, question) pairs. embeddings: (entries, 512) of their normalised questions.
    groups: name -> words that mean the same; `_pattern` says how they are written.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        embeddings: np.ndarray | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.entries = list(entries)
        self.slugs = list(dict.fromkeys(entry.slug for entry in self.entries))
        self.groups = _compiled(groups or {})
        self.embeddings = embeddings
        questions = [normalise(entry.question) for entry in self.entries]
        self.said: dict[str, list[int]] = {}
        for place, question in enumerate(questions):
            self.said.setdefault(question, []).append(place)
        self.words = Bm25([_words(question) for question in questions])
        self.runs = Bm25([_runs(question) for question in questions])
        self.meant = np.array([self._meanings(question) for question in questions], float)
        row = {slug: place for place, slug in enumerate(self.slugs)}
        self.owner = np.array([row[entry.slug] for entry in self.entries], int)

    def ask(self, question: str, embedding: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Slugs with the chance that they answer, best first; each slug once."""
        if not self.entries:
            return []
        best = np.full(len(self.slugs), -np.inf)
        np.maximum.at(best, self.owner, self.points(question, embedding))
        dense = embedding is not None and self.embeddings is not None
        halfway = HALFWAY if dense else HALFWAY_BY_WORDS
        chances = 1 / (1 + np.exp(-(best - halfway) * STEEP))
        order = sorted(range(len(self.slugs)), key=lambda place: (-best[place], self.slugs[place]))
        return [(self.slugs[place], float(chances[place])) for place in order]

    def points(self, question: str, embedding: np.ndarray | None = None) -> np.ndarray:
        """(entries,) How near each question is to this one."""
        text = normalise(question)
        asked = np.array(self._meanings(text), float)
        points = (
            OF_WORDS * self.words.score(_words(text))
            + OF_RUNS * self.runs.score(_runs(text))
            + OF_MEANINGS * _overlap(asked, self.meant)
        )
        if embedding is not None and self.embeddings is not None:
            points = points + OF_SENSE * np.clip(self.embeddings @ embedding, 0, 1)
        points[self.said.get(text, [])] += THE_SAME
        return np.asarray(points)

    def _meanings(self, text: str) -> list[bool]:
        return [pattern.search(text) is not None for pattern in self.groups.values()]


class Bm25:
    """Okapi BM25 (Robertson et al. 1994) of many short texts, on a scale where the mean text,
    asked word for word, scores one. A score is a sum of columns of one sparse table.

    Scaled each by its own best score, a short text would beat a long one that says more of what
    was asked: ten points of Recall@1 are lost by that on lcqmc.
    """

    def __init__(self, documents: Sequence[list[str]]) -> None:
        counts = [Counter(document) for document in documents]
        seen = Counter(term for count in counts for term in count)
        number = max(len(documents), 1)
        mean = sum(len(document) for document in documents) / number or 1.0
        self.place = {term: place for place, term in enumerate(seen)}
        idf = {t: math.log(1 + (number - n + 0.5) / (n + 0.5)) for t, n in seen.items()}
        rows, columns, data = [], [], []
        for row, count in enumerate(counts):
            length = K1 * (1 - B + B * sum(count.values()) / mean)
            for term, n in count.items():
                rows.append(row)
                columns.append(self.place[term])
                data.append(idf[term] * n * (K1 + 1) / (n + length))
        full = sum(data) / number or 1.0
        shape = (len(documents), max(len(seen), 1))
        self.table = sparse.csc_matrix((np.array(data) / full, (rows, columns)), shape=shape)

    def score(self, query: Sequence[str]) -> np.ndarray:
        """(documents,)"""
        scores = np.zeros(self.table.shape[0])
        starts = self.table.indptr
        for term in set(query):
            place = self.place.get(term)
            if place is not None:
                cells = slice(starts[place], starts[place + 1])
                scores[self.table.indices[cells]] += self.table.data[cells]
        return scores


def _words(text: str) -> list[str]:
    return [word for word in tokens_of(text) if word not in STOP]


def _runs(text: str) -> list[str]:
    body = re.sub(r"\W+", " ", text.lower())
    runs: list[str] = []
    for word in body.split():
        size = 1 if re.search(r"[\u3400-\u9fff]", word) else 4
        if word not in STOP:
            runs += [word[i : i + size] for i in range(max(len(word) - size + 1, 1))]
    return runs


def _compiled(groups: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile("|".join(_pattern(w) for w in words), re.IGNORECASE | re.ASCII)
        for name, words in groups.items()
    }


def _pattern(words: str) -> str:
    """Words as they stand; after a slash a pattern, where ¦ stands between choices."""
    if words.startswith("/"):
        return words[1:].replace("¦", "|")
    return rf"\b{re.escape(words)}\b" if words.isascii() else re.escape(words)


def _overlap(asked: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """(entries,) cosine of what is meant here and there; nothing meant is like nothing."""
    if not meant.size:
        return np.zeros(len(meant))
    lengths = np.sqrt(meant.sum(axis=1) * asked.sum())
    return np.asarray(meant @ asked / np.maximum(lengths, 1.0))
