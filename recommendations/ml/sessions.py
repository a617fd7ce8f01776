"""Neighbours of the moment: customers whose steps cross what somebody chose last."""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender, strongest
from recommendations.ml.sequential import in_order


class SessionNeighbours(Recommender):
    """Session-kNN that knows order, after STAN (Garg et al. 2019) and V-SKNN (Ludewig 2018).

    Neighbours share what the customer chose last; a neighbour speaks loudest for what they chose
    few steps from the latest choice that both share: `near` to the power of the steps between.
    """

    name: ClassVar[str] = "session-knn"

    def __init__(
        self, *, k: int = 100, fading: float = 0.8, near: float = 0.9, shrinkage: float = 3.0
    ) -> None:
        self.k = k
        self.fading = fading
        self.near = near
        self.shrinkage = shrinkage

    def fit(self, interactions: Interactions) -> Self:
        touched = interactions.touched()
        buyers = np.asarray(touched.sum(axis=0)).ravel()
        # A product that everybody has says little about who is alike.
        self.rarity_ = np.log1p(touched.shape[0] / (1.0 + buyers))
        customers, products, _ = in_order(interactions)
        steps = np.arange(len(customers)) - np.searchsorted(customers, customers, side="left")
        # One and up: a zero would be no cell.
        places = sparse.csr_matrix((steps + 1.0, (customers, products)), shape=interactions.shape)
        places.sort_indices()
        self.places_ = places
        length = np.sqrt(np.asarray(touched @ self.rarity_**2).ravel()) + self.shrinkage
        self.alike_ = sparse.csr_matrix(
            (sparse.diags(1.0 / length) @ touched @ sparse.diags(self.rarity_**2)).T
        )
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        query = rows.weights(fading=self.fading)
        near = strongest(sparse.csr_matrix(query @ self.alike_), self.k)
        scores = np.zeros(rows.shape)
        for row in range(rows.shape[0]):
            cells = slice(near.indptr[row], near.indptr[row + 1])
            told = self._told(query[row], near.indices[cells])
            scores[row] = near.data[cells] @ told
        return scores

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        """A neighbour's word is shared among the choices that make them a neighbour."""
        query = row.weights(fading=self.fading)
        near = strongest(sparse.csr_matrix(query @ self.alike_), self.k)
        told = self._told(query, near.indices)[:, product].toarray().ravel()
        alike = self.alike_[query.indices][:, near.indices]
        return np.asarray(query.data * (alike @ told))

    def _told(self, query: sparse.csr_matrix, neighbours: np.ndarray) -> sparse.csr_matrix:
        """(neighbours, products) by the steps between each choice and the latest that is shared."""
        places = self.places_[neighbours]
        weight = np.zeros(places.shape[1])
        weight[query.indices] = query.data
        neighbour = np.repeat(np.arange(len(neighbours)), np.diff(places.indptr))
        # By neighbour, the customer's latest choice last, and of those the neighbour's latest.
        order = np.lexsort((places.data, weight[places.indices], neighbour))
        latest = places.data[order[places.indptr[1:] - 1]] if len(neighbours) else np.zeros(0)
        apart = np.abs(places.data - latest[neighbour])
        return sparse.csr_matrix(
            (self.near**apart, places.indices, places.indptr), shape=places.shape
        )
