"""A factorisation machine: pairs of levels that were hardly seen borrow from their likes."""

from itertools import combinations_with_replacement
from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from campaigns.ml.backfitting import Left
from crm.ml.estimator import State


class Factorisation:
    """Rendle 2010: a pair of levels adds the product of their vectors. Fitted column by column.

    Given all others the vectors of a column are ridge regressions, one a level; so there is no
    rate of learning to tune, and a handful of sweeps is enough.
    """

    name: ClassVar[str] = "factorisation"
    format: ClassVar[int] = 1

    def __init__(
        self,
        sizes: list[int],
        *,
        rank: int = 4,
        sweeps: int = 3,
        ridge: float = 10.0,
        seed: int = 0,
    ) -> None:
        self.sizes = sizes
        self.rank = rank
        self.sweeps = sweeps
        self.ridge = ridge
        self.seed = seed

    def fit(self, codes: np.ndarray, clicks: np.ndarray, margin: np.ndarray) -> Self:
        """codes (columns, rows); clicks (rows,) 0 or 1; margin (rows,): log odds to start from."""
        rng = np.random.default_rng(self.seed)
        rows = codes.shape[1]
        ones, ends = np.ones(rows, dtype=np.float32), np.arange(rows + 1)
        members = [
            sparse.csr_matrix((ones, code, ends), (rows, size)).T
            for code, size in zip(codes, self.sizes, strict=True)
        ]
        vectors = [
            rng.normal(0.0, 0.2, (size, self.rank)).astype(np.float32) for size in self.sizes
        ]
        effects = [np.zeros(size) for size in self.sizes]
        left = Left.over(clicks, margin + self._products(codes, vectors))
        together = sum(vector[code] for vector, code in zip(vectors, codes, strict=True))
        for _ in range(self.sweeps):
            left.renew()
            for column, code in enumerate(codes):
                effects[column] = left.solve(code, effects[column])
            for column, code in enumerate(codes):
                before = vectors[column]
                others = together - before[code]
                vectors[column] = self._solved(left, members[column], others, before[code])
                change = (vectors[column] - before)[code]
                together += change
                left.add(np.einsum("nk,nk->n", others, change))
        self.effects_ = np.concatenate(effects).astype(np.float32)
        self.vectors_ = np.concatenate(vectors)
        return self

    def margin(self, codes: np.ndarray) -> np.ndarray:
        """(rows,): what levels and their pairs add to the log odds."""
        ends = np.cumsum(self.sizes)[:-1]
        total = self._products(codes, np.split(self.vectors_, ends))
        for effects, code in zip(np.split(self.effects_, ends), codes, strict=True):
            total += effects[code]
        return total

    def state(self) -> State:
        settings = ("sizes", "rank", "sweeps", "ridge", "seed")
        return State(
            arrays={"effects_": self.effects_, "vectors_": self.vectors_},
            settings={name: getattr(self, name) for name in settings},
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        made = cls(**state.settings)
        vars(made).update(state.arrays)
        return made

    def _solved(
        self, left: Left, members: sparse.spmatrix, others: np.ndarray, before: np.ndarray
    ) -> np.ndarray:
        """Vectors of one column, (levels, rank), for the sum of the others' in each row."""
        pairs = list(combinations_with_replacement(range(self.rank), 2))
        sums = np.empty((len(others), len(pairs) + self.rank), dtype=np.float32)
        weighted = left.weight.astype(np.float32)[:, None] * others
        for at, (one, other) in enumerate(pairs):
            np.multiply(weighted[:, one], others[:, other], out=sums[:, at])
        goal = left.gradient + left.weight * np.einsum("nk,nk->n", others, before)
        np.multiply(others, goal.astype(np.float32)[:, None], out=sums[:, len(pairs) :])
        found = np.asarray(members @ sums, dtype=float)
        normal = np.empty((len(found), self.rank, self.rank))
        for at, (one, other) in enumerate(pairs):
            normal[:, one, other] = normal[:, other, one] = found[:, at]
        normal += self.ridge * np.eye(self.rank)
        solved = np.linalg.solve(normal, found[:, len(pairs) :, None])[..., 0]
        return solved.astype(np.float32)

    @staticmethod
    def _products(codes: np.ndarray, vectors: list[np.ndarray]) -> np.ndarray:
        """(rows,): the sum over pairs of columns, as half of square of sum less sum of squares."""
        total, squares = np.zeros((codes.shape[1], vectors[0].shape[1]), np.float32), 0.0
        for vector, code in zip(vectors, codes, strict=True):
            total += vector[code]
            squares = squares + np.einsum("lk,lk->l", vector, vector)[code]
        return np.asarray(0.5 * (np.einsum("nk,nk->n", total, total) - squares), dtype=float)
