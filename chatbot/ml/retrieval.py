"""Which answer fits a question: words (BM25), character runs (BM25), meaning (embedding),
and groups of words that mean the same in both languages."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crm.ml.text import normalise, tokens_of

K1, B = 1.2, 0.6
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
    """Made from the questions once, asked for every message. Nothing is trained."""

    def __init__(
        self,
        entries: Sequence[Entry],
        embeddings: np.ndarray | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.entries = list(entries)
        self.groups = _compiled(groups or {})
        self.embeddings = embeddings
        questions = [normalise(e.question) for e in entries]
        self.words = _Bm25([_words(q) for q in questions])
        self.runs = _Bm25([_runs(q) for q in questions])
        self.meant = [self._meanings(q) for q in questions]

    def ask(self, question: str, embedding: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Slugs with the chance that they answer, best first; each slug once."""
        if not self.entries:
            return []
        text = normalise(question)
        words, runs = self.words.score(_words(text)), self.runs.score(_runs(text))
        asked = self._meanings(text)
        same = np.array([_overlap(asked, meant) for meant in self.meant])
        points = 1.5 * words + 1.5 * runs + 3.2 * same
        if embedding is not None and self.embeddings is not None:
            points = points + 5.0 * np.clip(self.embeddings @ embedding, 0, 1)
            chances = 1 / (1 + np.exp(-(points - 3.6) * 1.6))
        else:
            chances = 1 / (1 + np.exp(-(points - 1.6) * 1.6))
        best: dict[str, float] = {}
        for entry, chance in zip(self.entries, chances, strict=True):
            best[entry.slug] = max(best.get(entry.slug, 0.0), float(chance))
        return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))

    def _meanings(self, text: str) -> frozenset[str]:
        return frozenset(name for name, pattern in self.groups.items() if pattern.search(text))


class _Bm25:
    """Okapi BM25, scaled so that a question asked word for word scores one."""

    def __init__(self, documents: Sequence[list[str]]) -> None:
        self.documents = [Counter(d) for d in documents]
        seen = Counter(term for d in self.documents for term in d)
        count = max(len(documents), 1)
        self.idf = {t: math.log(1 + (count - n + 0.5) / (n + 0.5)) for t, n in seen.items()}
        self.mean = sum(len(d) for d in documents) / count or 1.0

    def score(self, query: list[str]) -> np.ndarray:
        terms = set(query)
        return np.array([self._one(terms, document) for document in self.documents])

    def _one(self, terms: set[str], document: Counter[str]) -> float:
        length = K1 * (1 - B + B * sum(document.values()) / self.mean)
        full = sum(self.idf[t] * n * (K1 + 1) / (n + length) for t, n in document.items())
        got = sum(
            self.idf[t] * document[t] * (K1 + 1) / (document[t] + length)
            for t in terms
            if t in document
        )
        return got / full if full else 0.0


def _words(text: str) -> list[str]:
    return [word for word in tokens_of(text) if word not in STOP]


def _runs(text: str) -> list[str]:
    body = re.sub(r"\W+", " ", text.lower())
    runs: list[str] = []
    for word in body.split():
        size = 2 if re.search(r"[\u3400-\u9fff]", word) else 4
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


def _overlap(asked: frozenset[str], meant: frozenset[str]) -> float:
    if not asked or not meant:
        return 0.0
    return len(asked & meant) / math.sqrt(len(asked) * len(meant))
