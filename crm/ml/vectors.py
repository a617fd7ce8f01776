"""Texts as sparse rows: words (Chinese cut, English as written) and runs of characters."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from scipy import sparse

from crm.ml.text import normalise, tokens_of


class Vectors:
    """TF-IDF with logarithmic counts, each part of unit length."""

    def __init__(self, most: int = 60_000) -> None:
        self.most = most

    def fit(self, texts: Sequence[str]) -> Self:
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(terms_of(text)))
        self.texts_ = len(texts)
        kept = sorted(seen, key=lambda term: (-seen[term], term))[: self.most]
        self.terms_ = {term: place for place, term in enumerate(sorted(kept))}
        counts = np.array([seen[term] for term in self.terms_], float)
        self.idf_ = np.log((1 + self.texts_) / (1 + counts)) + 1
        return self

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        indices: list[int] = []
        data: list[float] = []
        pointers = [0]
        for text in texts:
            row = self._row(text)
            indices.extend(row)
            data.extend(row.values())
            pointers.append(len(indices))
        shape = (len(texts), len(self.terms_))
        return sparse.csr_matrix((data, indices, pointers), shape=shape, dtype=np.float64)

    def rows(self, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Where each text is not zero, and what it is there: for a few, without a matrix."""
        rows = [self._row(text) for text in texts]
        return [
            (np.fromiter(row, np.intp, len(row)), np.fromiter(row.values(), float, len(row)))
            for row in rows
        ]

    @property
    def vocabulary(self) -> frozenset[str]:
        """The words (not the character runs) that were seen."""
        return frozenset(
            term[2:] for term in self.terms_ if term.startswith("w:") and " " not in term
        )

    @property
    def counts(self) -> dict[str, int]:
        """Words and pairs of words ("lost card"), with the number of texts that had them."""
        level = np.log(1 + self.texts_) + 1
        return {
            term[2:]: round(float(np.exp(level - self.idf_[place]))) - 1
            for term, place in self.terms_.items()
            if term.startswith("w:")
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "terms": np.array(list(self.terms_)),
            "idf": self.idf_,
            "texts": np.array(self.texts_),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        vectors = cls()
        vectors.terms_ = {term: place for place, term in enumerate(arrays["terms"].tolist())}
        vectors.idf_ = arrays["idf"]
        vectors.texts_ = int(arrays["texts"])
        return vectors

    texts_: int
    terms_: dict[str, int]
    idf_: np.ndarray

    def _row(self, text: str) -> dict[int, float]:
        counts: Counter[str] = Counter(term for term in terms_of(text) if term in self.terms_)
        row: dict[int, float] = {}
        for part in ("w:", "c:"):
            weights = {
                self.terms_[t]: (1 + np.log(n)) * self.idf_[self.terms_[t]]
                for t, n in counts.items()
                if t.startswith(part)
            }
            length = float(np.sqrt(sum(w * w for w in weights.values()))) or 1.0
            row.update({place: weight / length for place, weight in weights.items()})
        return row


def terms_of(text: str) -> Iterable[str]:
    """Words, pairs of words, and runs of two to four characters within words."""
    words = tokens_of(normalise(text))
    yield from (f"w:{word}" for word in words)
    yield from (f"w:{a} {b}" for a, b in zip(words, words[1:], strict=False))
    for run in _runs(words):
        for length in (1, 2, 3) if run[0] == "\u3400" else (3, 4, 5):
            body = run[1:] if run[0] == "\u3400" else run
            yield from (f"c:{body[i : i + length]}" for i in range(len(body) - length + 1))


def _runs(words: list[str]) -> Iterable[str]:
    """Chinese words joined again (a cut may be wrong), Latin words in blanks."""
    chinese = ""
    for word in words:
        if "\u3400" <= word[0] <= "\u9fff":
            chinese += word
            continue
        if chinese:
            yield "\u3400" + chinese
            chinese = ""
        yield f" {word} "
    if chinese:
        yield "\u3400" + chinese
