"""Policies that do not learn: chance alone, and shares set by staff."""

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from campaigns.ml.policies.base import EXPLORE, Policy


class Uniform(Policy):
    """Every eligible action alike: the fairest log, and what others are measured from."""

    name: ClassVar[str] = "uniform"

    def begin(self) -> Self:
        return self

    def learn(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        return self

    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        return np.asarray(eligible / eligible.sum(axis=1, keepdims=True))


class Weighted(Uniform):
    """Each eligible action by its weight: a rule is a weight of 1 among zeros.

    Where none of the eligible has a weight, all of them are alike.
    """

    name: ClassVar[str] = "weighted"

    def __init__(
        self,
        actions: int,
        dim: int = 0,
        *,
        weights: Sequence[float] | None = None,
        explore: float = EXPLORE,
    ) -> None:
        super().__init__(actions, dim, explore=explore)
        self.weights = weights

    def begin(self) -> Self:
        """Raises ValueError unless there is one weight of at least 0 for each action."""
        weights = np.ones(self.actions) if self.weights is None else np.asarray(self.weights)
        if len(weights) != self.actions or not np.all((weights >= 0) & (weights < np.inf)):
            raise ValueError(f"weights: {self.actions} numbers of at least 0")
        return self

    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        weights = eligible * np.asarray(
            np.ones(self.actions) if self.weights is None else self.weights, dtype=float
        )
        total = weights.sum(axis=1, keepdims=True)
        alike = super()._preferred(contexts, eligible)
        return np.where(total > 0, weights / np.where(total > 0, total, 1.0), alike)
