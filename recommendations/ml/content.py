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

    def words(text: str) -> list[str]:
        found: list[str] = _WORDS.findall(text.lower())
        return [part for word in found for part in _parts(word)]

    blocks = []
    for documents, analyzer, weight in ((texts, words, 1.0), (attributes, list, 2.0)):
        if any(analyzer(document) for document in documents):
            vectorizer = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True)
            blocks.append(weight * vectorizer.fit_transform(documents))
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

    def __init__(self, *, half_life: float | None = None) -> None:
        self.half_life = half_life

    def fit(self, interactions: Interactions) -> Self:
        products = interactions.shape[1]
        features = interactions.features
        self.features_ = sparse.csr_matrix((products, 1)) if features is None else features.tocsr()
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        weights = rows.weights(half_life=self.half_life, likes=1.0)
        profiles = sparse.csr_matrix(weights @ self.features_)
        return np.asarray((profiles @ self.features_.T).todense())


def _parts(word: str) -> list[str]:
    if word.isascii():
        return [word]
    return [word[i : i + 2] for i in range(max(1, len(word) - 1))]
