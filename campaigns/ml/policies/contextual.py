"""What a context says about each action, as a normal belief of its weights: the common part."""

from abc import abstractmethod
from typing import NamedTuple, Self

import numpy as np

from campaigns.ml.policies import drift
from campaigns.ml.policies.base import EXPLORE, Policy

RENEWALS = frozenset((10, 30, 100, 300, 1_000, 3_000))  # rewards after which the prior is renewed


class Lesson(NamedTuple):
    """How much a reward counts, how far it is off the expected, what it says about a change."""

    weight: float
    error: float
    ratios: np.ndarray  # (2,), see drift.py


class Contextual(Policy):
    """Weights of its own for each action, and of a constant before the features.

    width: standard deviations of hope that an action gets; 0 is greedy.
    ridge: precision of the prior of a weight, around zero, were the feature centred and of unit
    size: the prior is renewed a few times as means and deviations of the features become known.
    patience: rewards of an action between two false alarms that the world has changed; after an
    alarm everything is learned anew. The reward that raised it is not learned from.
    """

    def __init__(
        self,
        actions: int,
        dim: int = 0,
        *,
        width: float = 1.0,
        ridge: float = 1.0,
        explore: float = EXPLORE,
        patience: float = drift.PATIENCE,
    ) -> None:
        super().__init__(actions, dim, explore=explore)
        self.width = width
        self.ridge = ridge
        self.patience = patience

    @abstractmethod
    def _lesson(self, score: float, variance: float, reward: float) -> Lesson:
        """What a reward teaches where `score` was expected, give or take its variance."""

    def begin(self) -> Self:
        self.features_ = np.zeros((2, self.dim))  # sums and sums of squares of all contexts learned
        self.taught_ = np.zeros(1)
        self.prior_ = np.eye(self.dim + 1) / self.ridge
        return self._forget()

    def _forget(self) -> Self:
        """All but what the features are like."""
        self.means_ = np.zeros((self.actions, self.dim + 1))
        self.covariances_ = np.tile(self.prior_, (self.actions, 1, 1))
        self.sums_ = np.zeros((2, self.actions))
        return self

    def learn(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        rows = _with_one(contexts)
        for row, action, reward in zip(rows, actions.tolist(), rewards.tolist(), strict=True):
            mean, covariance = self.means_[action], self.covariances_[action]
            turned = covariance @ row
            variance = float(row @ turned)
            weight, error, ratios = self._lesson(float(mean @ row), variance, reward)
            self._look_at(row[1:])
            if drift.is_alarm(self.sums_, action, ratios, patience=self.patience):
                self._forget()
                continue
            # Sherman and Morrison (1950): the inverse of the precision with one more row.
            gain = turned / (1.0 + weight * variance)
            covariance -= np.outer(turned, gain * weight)
            mean += gain * error
            if self.taught_[0] in RENEWALS:
                self._renew_prior()
        return self

    def _look_at(self, context: np.ndarray) -> None:
        self.features_[0] += context
        self.features_[1] += context * context
        self.taught_ += 1.0

    def _renew_prior(self) -> None:
        """Exchange the prior for that of features centred and scaled by what they are by now."""
        middle, square = self.features_ / self.taught_
        spread = np.sqrt(np.maximum(square - middle * middle, 0.0))
        # A root doubles what rounding loses: a constant seems to vary by 1e-8 of itself.
        spread = np.where(spread > 1e-6 * (1.0 + np.abs(middle)), spread, 1.0)
        basis = np.diag(np.append(1.0, 1.0 / spread))
        basis[1:, 0] = -middle / spread
        renewed = basis.T @ basis / self.ridge
        change = np.linalg.inv(renewed) - np.linalg.inv(self.prior_)
        precisions = np.linalg.inv(self.covariances_)
        told = np.einsum("kij,kj->ki", precisions, self.means_)
        self.covariances_ = np.linalg.inv(precisions + change)
        self.means_ = np.einsum("kij,kj->ki", self.covariances_, told)
        self.prior_ = renewed

    def _scores(self, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected score of each action and its variance, both (n, actions)."""
        rows = _with_one(contexts)
        size = rows.shape[1]
        turned = rows @ self.covariances_.transpose(1, 0, 2).reshape(size, -1)
        variance = np.einsum("nad,nd->na", turned.reshape(len(rows), self.actions, size), rows)
        return rows @ self.means_.T, np.maximum(variance, 0.0)


def _with_one(contexts: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(contexts)), contexts])
