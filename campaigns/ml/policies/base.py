"""The contract of a policy: exact chances for every eligible action, learned from late rewards."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from crm.ml.estimator import State, restored

EXPLORE = 0.004
CELLS = 2**17  # numbers held at once: what fits in the cache of a core


class Policy(ABC):
    """A mixture: 1 - explore of what the policy prefers, explore of chance among the eligible.

    No eligible action is ever less likely than explore / how many there are, so a log of decisions
    can be weighed for any other policy. Actions are numbered from 0.
    """

    name: ClassVar[str]
    format: ClassVar[int] = 1

    def __init__(self, actions: int, dim: int = 0, *, explore: float = EXPLORE) -> None:
        self.actions = actions
        self.dim = dim
        self.explore = explore

    @abstractmethod
    def begin(self) -> Self:
        """Forget all; the policy can choose from here on."""

    @abstractmethod
    def learn(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        """Take in rewards one by one: contexts (n, dim), actions (n,), rewards (n,).

        They may come late, in any order and in any batches; a round without one teaches nothing.
        """

    @abstractmethod
    def _preferred(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        """Chances before the mixture, (n, actions); zero where not eligible."""

    def fit(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        """Learn from a log alone, in its order."""
        return self.begin().learn(contexts, actions, rewards)

    def chances(self, contexts: np.ndarray, eligible: np.ndarray) -> np.ndarray:
        """The chance of every action, (n, actions), rows adding up to one.

        contexts (n, dim); eligible (n, actions) of bool. Raises ValueError for a round without an
        eligible action.
        """
        counts = eligible.sum(axis=1)
        if not counts.all():
            raise ValueError(f"round {int(np.argmin(counts))} has no eligible action")
        chances = np.empty(eligible.shape)
        step = max(CELLS // (self.actions * (self.dim + 1)), 1)
        for start in range(0, len(eligible), step):
            part = slice(start, start + step)
            chances[part] = self._preferred(contexts[part], eligible[part])
        chances *= 1.0 - self.explore
        chances += eligible * (self.explore / counts)[:, None]
        return chances

    def state(self) -> State:
        """Settings, and what was learned as arrays under the names it was learned by."""
        known: dict[str, Any] = vars(self)
        return State(
            arrays={name: known[name] for name in known if name.endswith("_")},
            settings={name: known[name] for name in known if not name.endswith("_")},
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)


def drawn(chances: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The action of each round, (n,), by a number in [0, 1) for each.

    An action is drawn just as often as `chances` says; what has none is never drawn.
    """
    reached = np.cumsum(chances, axis=1)
    # The last sum may round to less than the number: then it is the last action with a chance.
    goal = np.minimum(numbers * reached[:, -1], np.nextafter(reached[:, -1], 0.0))
    return np.asarray((reached <= goal[:, None]).sum(axis=1))


def shared_among_best(scores: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """All chance to the eligible action with the highest score; the equal ones share it."""
    scores = np.where(eligible, scores, -np.inf)
    top = scores.max(axis=1, keepdims=True)
    best = scores >= top - 1e-9 * (1.0 + np.abs(top))
    return np.asarray(best / best.sum(axis=1, keepdims=True))
