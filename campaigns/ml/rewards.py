"""What each action would have brought in each context: the direct part of a doubly robust value."""

from typing import ClassVar, Self

import numpy as np

from crm.ml.estimator import State, restored


class RewardModel:
    """Ridge regression in two steps: one for all actions, then what each action adds to it.

    An action with few rows stays near what is true of all; one that never was tried gets just that.
    """

    name: ClassVar[str] = "reward-model"
    format: ClassVar[int] = 1

    def __init__(self, actions: int, *, ridge: float = 10.0) -> None:
        self.actions = actions
        self.ridge = ridge

    def fit(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        """contexts (n, d), actions (n,) from 0, rewards (n,)."""
        self.middle_ = contexts.mean(axis=0)
        spread = contexts.std(axis=0)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        rows = self._rows(contexts)
        self.base_ = np.zeros(rows.shape[1])
        # The constant is not drawn towards zero: it is the mean, as the columns are centred.
        self.base_[0] = rewards.mean()
        self.base_[1:] = _ridge(rows[:, 1:], rewards - self.base_[0], self.ridge)
        left = rewards - rows @ self.base_
        self.more_ = np.zeros((self.actions, rows.shape[1]))
        for action in np.unique(actions):
            mine = actions == action
            self.more_[action] = _ridge(rows[mine], left[mine], self.ridge)
        return self

    def predict(self, contexts: np.ndarray) -> np.ndarray:
        """Expected reward of every action, (n, actions)."""
        rows = self._rows(contexts)
        return np.asarray((rows @ self.base_)[:, None] + rows @ self.more_.T)

    def state(self) -> State:
        learned = ("middle_", "spread_", "base_", "more_")
        return State(
            arrays={name: getattr(self, name) for name in learned},
            settings={"actions": self.actions, "ridge": self.ridge},
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)

    def _rows(self, contexts: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(contexts)), (contexts - self.middle_) / self.spread_])


def _ridge(rows: np.ndarray, target: np.ndarray, ridge: float) -> np.ndarray:
    precision = rows.T @ rows + ridge * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(precision, rows.T @ target))
