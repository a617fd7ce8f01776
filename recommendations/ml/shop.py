"""What serves: a recommender that knows which product stands in which column, and says why."""

from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from crm.ml.estimator import State
from recommendations.ml.compiled.blend import NO_INDEX, CompiledBlend
from recommendations.ml.content import Content
from recommendations.ml.hybrid import Hybrid, standardised
from recommendations.ml.interactions import Interactions
from recommendations.ml.neighbours import ItemNeighbours
from recommendations.ml.ratings import Svd


class ShopRecommender:
    """The blend for lists, product neighbours for "similar", and the ids of the products.

    products_: (products,) ids in ascending order, one per column. chosen_by_: (products,) how many
    customers chose each. index_: (bytes,) of the factors of a very large catalogue, else empty.
    """

    name: ClassVar[str] = "recommender"
    format: ClassVar[int] = 2

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, interactions: Interactions, *, products: np.ndarray) -> Self:
        self.products_ = np.asarray(products, dtype=np.int64)
        self.blend_ = Hybrid(seed=self.seed).fit(interactions)
        return self._look_alikes(interactions)

    def refit(self, interactions: Interactions) -> Self:
        """The same weights, taught anew on other data of the same columns."""
        again = type(self)(seed=self.seed)
        again.products_ = self.products_
        again.blend_ = self.blend_.refit(interactions)
        return again._look_alikes(interactions)

    def score(self, rows: Interactions) -> np.ndarray:
        """(rows, products) scores, higher is better."""
        return self.blend_.score(rows)

    def alike(self, column: int) -> np.ndarray:
        """(2, products) likeness to one product: chosen by the same people; described alike."""
        rows = self.row(np.array([column]), np.ones(1), np.zeros(1), today=0.0)
        both = (self.together_.score(rows)[0], self.content_.score(rows)[0])
        return standardised(np.vstack(both))

    def likeness(self, columns: np.ndarray) -> np.ndarray:
        """(columns, columns) cosine of what is written about products, in [0, 1]."""
        features = self.content_.features_[columns]
        return np.asarray((features @ features.T).todense())

    @cached_property
    def compiled(self) -> CompiledBlend:
        """The blend in the form in which it serves one customer."""
        return CompiledBlend(self.blend_, products=len(self.products_), index=self.index_)

    def row(
        self, columns: np.ndarray, values: np.ndarray, days: np.ndarray, *, today: float
    ) -> Interactions:
        """One customer, from whatever they did until now, in the columns of this artifact."""
        zero = np.zeros(len(columns), dtype=int)
        shape = (1, len(self.products_))
        made = Interactions.from_rows(
            (zero, columns), values, days, shape=shape, explicit=False, graded=True
        )
        return replace(made, today=today, log=None)

    @cached_property
    def column_of(self) -> dict[int, int]:
        return {int(product): column for column, product in enumerate(self.products_)}

    def state(self) -> State:
        parts = {"blend": self.blend_, "together": self.together_, "content": self.content_}
        states = {name: part.state() for name, part in parts.items()}
        arrays = {
            f"{name}/{key}": array
            for name, state in states.items()
            for key, array in state.arrays.items()
        }
        settings = {name: state.settings for name, state in states.items()}
        known = {
            "products_": self.products_,
            "chosen_by_": self.chosen_by_,
            "index_": self.index_,
        }
        return State({**arrays, **known}, {"seed": self.seed, **settings})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(seed=state.settings["seed"])
        self.products_ = state.arrays["products_"]
        self.chosen_by_ = state.arrays["chosen_by_"]
        self.index_ = state.arrays.get("index_", NO_INDEX)
        self.blend_ = Hybrid.from_state(_part(state, "blend"))
        self.together_ = ItemNeighbours.from_state(_part(state, "together"))
        self.content_ = Content.from_state(_part(state, "content"))
        return self

    def _look_alikes(self, interactions: Interactions) -> Self:
        chosen = interactions.values.indices
        self.chosen_by_ = np.bincount(chosen, minlength=interactions.shape[1])
        self.together_ = ItemNeighbours(k=50).fit(interactions)
        self.content_ = Content().fit(interactions)
        self.index_ = CompiledBlend.indexed(self.blend_, products=len(self.products_))
        return self


class ShopRatings:
    """Expected ratings of products: Surprise's SVD, and the ids of the products."""

    name: ClassVar[str] = "ratings"
    format: ClassVar[int] = 1

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, interactions: Interactions, *, products: np.ndarray) -> Self:
        self.products_ = np.asarray(products, dtype=np.int64)
        # Few factors and much shrinkage: a shop has a handful of ratings per customer.
        self.svd_ = Svd(factors=10, regularization=0.1, seed=self.seed).fit(interactions)
        return self

    def rate(self, customers: np.ndarray, products: np.ndarray) -> np.ndarray:
        """(pairs,) ratings on the scale, by number at fitting; -1 is unknown."""
        return self.svd_.rate(customers, products)

    def expected(self, columns: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """(products,) ratings of one customer who gave `ratings` to `columns`, on the scale."""
        row = sparse.csr_matrix(
            (ratings, (np.zeros(len(columns), int), columns)), shape=(1, len(self.products_))
        )
        rows = Interactions(row, np.zeros(row.nnz), 0.0, explicit=True)
        return np.clip(self.svd_.score(rows)[0], *self.svd_.scale_)

    @cached_property
    def column_of(self) -> dict[int, int]:
        return {int(product): column for column, product in enumerate(self.products_)}

    def state(self) -> State:
        inner = self.svd_.state()
        arrays = {f"svd/{key}": array for key, array in inner.arrays.items()}
        return State(
            {**arrays, "products_": self.products_}, {"seed": self.seed, "svd": inner.settings}
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(seed=state.settings["seed"])
        self.products_ = state.arrays["products_"]
        self.svd_ = Svd.from_state(_part(state, "svd"))
        return self


def _part(state: State, name: str) -> State:
    prefix = f"{name}/"
    arrays = {
        key.removeprefix(prefix): array
        for key, array in state.arrays.items()
        if key.startswith(prefix)
    }
    return State(arrays, state.settings[name])
