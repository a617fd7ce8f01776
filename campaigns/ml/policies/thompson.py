"""Thompson sampling on plain rates: each action by the chance that it is the best for everybody."""

from math import log, sqrt
from typing import ClassVar, Self

import numpy as np

from campaigns.ml.policies import best, drift
from campaigns.ml.policies.base import EXPLORE, Policy


class Thompson(Policy):
    """Beta posteriors from a flat prior; rewards are shares, from 0 to 1. No context is looked at.

    patience: rewards of an action between two false alarms that the world has changed; after an
    alarm everything is learned anew.
    """

    name: ClassVar[str] = "thompson"

    def __init__(
        self,
        actions: int,
        dim: int = 0,
        *,
        explore: float = EXPLORE,
        patience: float = drift.PATIENCE,
    ) -> None:
        super().__init__(actions, dim, explore=explore)
        self.patience = patience

    def begin(self) -> Self:
        self.counts_ = np.ones((2, self.actions))  # of wins and losses
        self.sums_ = np.zeros((2, self.actions))
        return self

    def learn(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        """Raises ValueError for a reward that is no share."""
        if len(rewards) and not (rewards.min() >= 0 and rewards.max() <= 1):
            raise ValueError("rewards: shares from 0 to 1")
        for action, reward in zip(actions.tolist(), rewards.tolist(), strict=True):
            wins, losses = self.counts_[:, action]
            news = drift.of_share(log(wins / losses), sqrt(1.0 / wins + 1.0 / losses), reward)
            if drift.is_alarm(self.sums_, action, news, patience=self.patience):
                self.counts_ = np.ones((2, self.actions))
            self.counts_[:, action] += reward, 1.0 - reward
        return self

    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        # Without context the same eligible actions always have the same chances.
        kinds, kind = np.unique(eligible, axis=0, return_inverse=True)
        return best.among_beta(self.counts_[0], self.counts_[1], kinds)[kind.ravel()]
