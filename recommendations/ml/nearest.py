"""The products whose factors say most to a taste: exact, or by an index in a very large catalogue.

One product of a matrix and a vector reads every factor once, which up to 100,000 products is below
a millisecond. Above, a graph of near neighbours (HNSW, Malkov and Yashunin 2018, of the faiss
library) reads a few thousand. Where faiss is not installed, exact it stays.
"""

import warnings
from typing import Any, Self

import numpy as np


class Nearest:
    """Largest inner products. `index_` is the index as bytes, empty where there is none."""

    index_: np.ndarray  # (bytes,) uint8

    def __init__(
        self,
        *,
        exact_up_to: int = 100_000,
        links: int = 24,
        construction: int = 120,
        search: int = 512,
    ) -> None:
        self.exact_up_to = exact_up_to
        self.links = links
        self.construction = construction
        self.search = search

    def fit(self, factors: np.ndarray) -> Self:
        """factors: (products, factors) float32, kept as it is."""
        self.factors_ = factors
        self.index_ = np.zeros(0, dtype=np.uint8)
        if len(factors) > self.exact_up_to and factors.shape[1]:
            self._open(self._built(factors))
        return self

    def find(self, tastes: np.ndarray, n: int) -> np.ndarray:
        """(at most n,) columns with the largest inner products, best first. tastes: (factors,)"""
        n = min(max(n, 0), len(self.factors_))
        if not n:
            return np.zeros(0, dtype=np.int64)
        taste = np.asarray(tastes, dtype=np.float32)
        if self._graph is None:
            scores = self.factors_ @ taste
            near = np.argpartition(-scores, n - 1)[:n]
            return np.asarray(near[np.argsort(-scores[near], kind="stable")])
        self._graph.hnsw.efSearch = max(self.search, n)
        found = self._graph.search(taste[None], n)[1][0]
        return np.asarray(found[found >= 0])

    @property
    def is_exact(self) -> bool:
        return self._graph is None

    @classmethod
    def opened(cls, factors: np.ndarray, index: np.ndarray, **settings: Any) -> Self:
        """As fitted before: the same factors, and the index that was kept of them."""
        self = cls(**settings)
        self.factors_, self.index_ = factors, index
        if len(index):
            self._open(index)
        return self

    _graph: Any = None

    def _built(self, factors: np.ndarray) -> np.ndarray:
        faiss = _faiss()
        if faiss is None:
            said = f"faiss is not installed: {len(factors)} products are searched one by one"
            warnings.warn(said, stacklevel=3)
            return np.zeros(0, dtype=np.uint8)
        graph = faiss.IndexHNSWFlat(factors.shape[1], self.links, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = self.construction
        graph.add(np.ascontiguousarray(factors, dtype=np.float32))
        return np.asarray(faiss.serialize_index(graph))

    def _open(self, index: np.ndarray) -> None:
        faiss = _faiss()
        self.index_ = index
        if faiss is not None and len(index):
            self._graph = faiss.deserialize_index(np.asarray(index))


def _faiss() -> Any:
    try:
        import faiss  # an extra: requirements-scale.txt
    except ImportError:
        return None
    return faiss
