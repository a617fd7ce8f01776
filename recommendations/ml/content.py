"""Products alike in what is written about them: works for a product that nobody chose yet."""

import re
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender

_WORDS = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")


def describe(texts: Sequence[str], attributes: Sequence[Sequence[str]]) -> sparse.csr_matrix:
    """(products, features), rows of length one: TF-IDF of words and of attributes.

    texts: free text, words of Latin letters and pairs of Chinese characters are features.
    attributes: exact values such as "brand=huawei", which weigh twice a word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    blocks = []
    if any(_words(text) for text in texts):
        blocks.append(TfidfVectorizer(analyzer=_words, sublinear_tf=True).fit_transform(texts))
    if any(attributes):
        exact = TfidfVectorizer(analyzer=list, sublinear_tf=True)
        blocks.append(2.0 * exact.fit_transform(attributes))
    if not blocks:
        return sparse.csr_matrix((len(texts), 1))
    stacked = sparse.csr_matrix(sparse.hstack(blocks))
    length = np.sqrt(np.asarray(stacked.multiply(stacked).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1.0 / np.maximum(length, 1e-12)) @ stacked)


class Content(Recommender):
    """A product scores its likeness in words and attributes to what the customer chose.

    Without features every score is zero.
    """

    name: ClassVar[str] = "content"

    def __init__(self, *, half_life: float | None = None, fading: float | None = None) -> None:
        self.half_life = half_life
        self.fading = fading

    def fit(self, interactions: Interactions) -> Self:
        products = interactions.shape[1]
        features = interactions.features
        self.features_ = sparse.csr_matrix((products, 1)) if features is None else features.tocsr()
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        weights = rows.weights(half_life=self.half_life, likes=1.0, fading=self.fading)
        profiles = sparse.csr_matrix(weights @ self.features_)
        return np.asarray((profiles @ self.features_.T).todense())

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = row.weights(half_life=self.half_life, likes=1.0, fading=self.fading)
        likeness = self.features_[weights.indices] @ self.features_[product].T
        return np.asarray(weights.data * likeness.toarray().ravel())


def _words(text: str) -> list[str]:
    return [part for word in _WORDS.findall(text.lower()) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    if word.isascii():
        return [word]
    return [word[i : i + 2] for i in range(max(1, len(word) - 1))]
