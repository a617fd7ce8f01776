"""Texts as counts: words and their pairs, and runs of characters, in both languages.

Unlike `vectors`, signs count too (an exclamation says something of a mood), and every view is
kept apart, so that an estimator can weigh each in its own way.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from scipy import sparse

from crm.ml.text import CHINESE, normalise, tokens_of

LONGEST = 2_000  # characters of a text that count; nobody changes their mind after that


class Bag:
    """One view of texts: "words" or "characters". Keeps the terms that at least `fewest` use."""

    def __init__(self, view: str, *, fewest: int = 1, most: int = 400_000) -> None:
        self.view = view
        self.fewest = fewest
        self.most = most

    def fit_transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Learn the terms of these texts, and count them."""
        places: dict[str, int] = {}
        rows = self._count(texts, places, grow=True)
        users = np.bincount(rows.indices, minlength=len(places))
        kept = np.flatnonzero(users >= self.fewest)
        if len(kept) > self.most:
            kept = np.sort(kept[np.argsort(-users[kept], kind="stable")[: self.most]])
        terms = list(places)
        self.terms_ = [terms[place] for place in kept]
        self._places = {term: place for place, term in enumerate(self.terms_)}
        return sparse.csr_matrix(rows[:, kept])

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """(texts, terms) counts of the terms that are known."""
        return self._count(texts, self._places, grow=False)

    def array(self) -> np.ndarray:
        """The terms as bytes: one array without objects, however long the longest is."""
        return np.frombuffer("\n".join(self.terms_).encode(), dtype=np.uint8)

    @classmethod
    def from_array(cls, view: str, array: np.ndarray) -> Self:
        bag = cls(view)
        text = array.tobytes().decode()
        bag.terms_ = text.split("\n") if text else []
        bag._places = {term: place for place, term in enumerate(bag.terms_)}
        return bag

    terms_: list[str]
    _places: dict[str, int]

    def _count(
        self, texts: Sequence[str], places: dict[str, int], *, grow: bool
    ) -> sparse.csr_matrix:
        terms_of = words_of if self.view == "words" else runs_of
        indices: list[int] = []
        counts: list[int] = []
        pointers = [0]
        for text in texts:
            for term, count in Counter(terms_of(text)).items():
                place = places.setdefault(term, len(places)) if grow else places.get(term)
                if place is not None:
                    indices.append(place)
                    counts.append(count)
            pointers.append(len(indices))
        shape = (len(texts), len(places))
        return sparse.csr_matrix((counts, indices, pointers), shape=shape, dtype=np.float64)


def words_of(text: str) -> Iterable[str]:
    """Words and pairs of neighbours."""
    words = tokens_of(_clean(text))
    yield from words
    yield from (f"{a} {b}" for a, b in zip(words, words[1:], strict=False))


def runs_of(text: str) -> Iterable[str]:
    """Runs of one to four characters of Chinese, of two to five within words of the rest."""
    text = _clean(text)
    if CHINESE.search(text):
        for length in (1, 2, 3, 4):
            yield from (text[i : i + length] for i in range(len(text) - length + 1))
        return
    for word in text.split():
        padded = f" {word} "
        for length in (2, 3, 4, 5):
            yield from (padded[i : i + length] for i in range(len(padded) - length + 1))


def _clean(text: str) -> str:
    return normalise(text[:LONGEST]).lower()
