"""Logistic regression for each action, with hope or with Thompson's chances."""

from math import sqrt
from typing import ClassVar

import numpy as np
from scipy.special import expit

from campaigns.ml.policies import best, drift
from campaigns.ml.policies.base import EXPLORE, shared_among_best
from campaigns.ml.policies.contextual import Contextual, Lesson

LEAST_WEIGHT = 0.02  # of a reward that was certain, so that a belief never stops moving


class LogisticUCB(Contextual):
    """A normal belief of the weights, moved by one Newton step a reward (Laplace, online).

    Rewards are shares, from 0 to 1. The chance of a reward only ever depends on the score, so
    hope is added to the score and the largest is chosen.
    """

    name: ClassVar[str] = "logistic-ucb"

    def __init__(
        self,
        actions: int,
        dim: int = 0,
        *,
        width: float = 1.0,
        ridge: float = 4.0,
        explore: float = EXPLORE,
        patience: float = drift.PATIENCE,
    ) -> None:
        super().__init__(actions, dim, width=width, ridge=ridge, explore=explore, patience=patience)

    def _lesson(self, score: float, variance: float, reward: float) -> Lesson:
        """Raises ValueError for a reward that is no share."""
        if not 0.0 <= reward <= 1.0:
            raise ValueError(f"rewards: {reward:g} is no share from 0 to 1")
        chance = float(expit(score))
        weight = max(chance * (1.0 - chance), LEAST_WEIGHT)
        return Lesson(weight, reward - chance, drift.of_share(score, sqrt(variance), reward))

    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        score, variance = self._scores(contexts)
        return shared_among_best(score + self.width * np.sqrt(variance), eligible)


class LogisticThompson(LogisticUCB):
    """Each action by its chance to have the highest score under the belief (Chapelle, Li 2011).

    width scales the standard deviations; at 1, Thompson's own, it explores for longer than
    20,000 rounds reward.
    """

    name: ClassVar[str] = "logistic-thompson"

    def __init__(
        self,
        actions: int,
        dim: int = 0,
        *,
        width: float = 0.25,
        ridge: float = 4.0,
        explore: float = EXPLORE,
        patience: float = drift.PATIENCE,
    ) -> None:
        super().__init__(actions, dim, width=width, ridge=ridge, explore=explore, patience=patience)

    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        score, variance = self._scores(contexts)
        return best.among_normal(score, np.sqrt(variance) * self.width + 1e-9, eligible)
