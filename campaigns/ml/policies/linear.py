"""LinUCB: ridge regression for each action, and hope where little is known."""

from math import sqrt
from typing import ClassVar, Self

import numpy as np

from campaigns.ml.policies import drift
from campaigns.ml.policies.base import shared_among_best
from campaigns.ml.policies.contextual import Contextual, Lesson


class LinUCB(Contextual):
    """Li, Chu, Langford, Schapire 2010, with disjoint weights. Rewards may be any numbers.

    Hope is measured in standard deviations of the rewards around what was expected of them, so
    that it does not matter in which money they are counted.
    """

    name: ClassVar[str] = "linucb"

    def _forget(self) -> Self:
        self.noise_ = np.zeros(2)  # sum of squared errors, and how many
        return super()._forget()

    def _lesson(self, score: float, variance: float, reward: float) -> Lesson:
        error = reward - score
        noise = self._deviation()
        self.noise_ += error * error / (1.0 + variance), 1.0
        return Lesson(1.0, error, drift.of_value(error, noise * sqrt(variance), noise))

    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        score, variance = self._scores(contexts)
        return shared_among_best(
            score + self.width * self._deviation() * np.sqrt(variance), eligible
        )

    def _deviation(self) -> float:
        """Standard deviation of a reward around its expectation; 1 before the first."""
        total, count = self.noise_.tolist()
        return sqrt(total / count) if count else 1.0
