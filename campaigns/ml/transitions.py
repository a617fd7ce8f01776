"""What follows an action in a journey, counted: rewards now and where people go."""

from dataclasses import dataclass, replace

import numpy as np

ENDED = -1
POOLS = (2.0, 10.0, 50.0, 250.0, 5_000.0)
RARE = 1e-6  # chance of a transition that was never counted


@dataclass(frozen=True)
class Episodes:
    """Logged decisions, all (n,): episodes, steps, states and actions as numbers from 0.

    following: the next state; ENDED where the episode was over. shape: steps, states, actions.
    """

    episodes: np.ndarray
    steps: np.ndarray
    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    following: np.ndarray
    shape: tuple[int, int, int]

    def take(self, rows: np.ndarray) -> "Episodes":
        names = ("episodes", "steps", "states", "actions", "rewards", "following")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def starts(self, weights: np.ndarray) -> np.ndarray:
        """(states,): the share of episodes that begin in each; weights (n,) of decisions."""
        first = self.steps == 0
        counts = np.bincount(self.states[first], weights[first], self.shape[1])
        return np.asarray(counts / max(counts.sum(), 1e-12))


class Transitions:
    """Means and variances of what follows, of each step completed by the other steps.

    pool: decisions of all steps, in the same state with the same action, count as at most so many
    of this one. Where customers are alike at every step a large pool is right.
    """

    def __init__(self, log: Episodes, *, pool: float, weights: np.ndarray | None = None) -> None:
        steps, states, actions = log.shape
        weights = np.ones(len(log.steps)) if weights is None else weights
        self.pool = pool
        self.shape = log.shape
        cell = (log.steps * states + log.states) * actions + log.actions
        self.seen = self._by_step(cell, weights)
        self.reward = self._by_step(cell, weights * log.rewards)
        self.square = self._by_step(cell, weights * log.rewards**2)
        # After the last step nothing follows for anybody: that says nothing about other steps.
        before = log.steps < steps - 1
        following = np.where(log.following == ENDED, states, log.following)
        keys, place = np.unique((cell * (states + 1) + following)[before], return_inverse=True)
        self.moves = np.bincount(place.ravel(), weights[before], len(keys))
        self.to = keys % (states + 1)
        self.cells = keys // (states + 1)
        self.edges = np.searchsorted(self.cells, np.arange(steps + 1) * states * actions)

    def ahead(self, step: int, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The expected sum of rewards from here on, its variance, and how many decisions say so.

        value: (states,) of the next step. Returns three of (states, actions).
        """
        every = self.seen.sum(axis=0)
        count, reward, square = (
            self._completed(one[step], one.sum(axis=0), every - self.seen[step])
            for one in (self.seen, self.reward, self.square)
        )
        mean, spread = _moments(count, reward, square)
        if step < self.shape[0] - 1:
            worth = np.append(value, 0.0)[self.to]  # who has left brings nothing any more
            sums = [self._sums(step, self.moves * worth**power) for power in range(3)]
            others = sums[0][1] - sums[0][0]
            later, later_spread = _moments(*(self._completed(*both, others) for both in sums))
            mean, spread = mean + later, spread + later_spread
        return mean, spread, count

    def likelihood(self, log: Episodes) -> float:
        """Mean log chance of the moves in another log."""
        steps, states, actions = self.shape
        cell = (log.steps * states + log.states) * actions + log.actions
        following = np.where(log.following == ENDED, states, log.following)
        pair = log.states * actions + log.actions
        keys = self.cells % (states * actions) * (states + 1) + self.to
        size = states * actions * (states + 1)
        found = np.bincount(keys, self.moves, size)[pair * (states + 1) + following]
        total = self.seen[:-1].sum(axis=0).ravel()[pair]
        mine, seen = self._found(cell, following), self.seen.ravel()[cell]
        chance = self._completed(mine, found, total - seen) / np.maximum(
            self._completed(seen, total, total - seen), 1e-12
        )
        return float(np.log(np.maximum(chance, RARE))[log.steps < steps - 1].mean())

    def _found(self, cell: np.ndarray, following: np.ndarray) -> np.ndarray:
        """(n,): how often just this move was counted."""
        keys = self.cells * (self.shape[1] + 1) + self.to
        wanted = cell * (self.shape[1] + 1) + following
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, self.moves[place], 0.0)

    def _by_step(self, cell: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.bincount(cell, weights, int(np.prod(self.shape))).reshape(self.shape)

    def _sums(self, step: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of this step and of all steps, each (states, actions)."""
        _, states, actions = self.shape
        pair = self.cells % (states * actions)
        here = slice(self.edges[step], self.edges[step + 1])
        mine, every = (
            np.bincount(pair[part], weights[part], states * actions).reshape(states, actions)
            for part in (here, slice(None))
        )
        return mine, every

    def _completed(self, mine: np.ndarray, every: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Sums of one step and the pool's part of those of the others, counted in `others`."""
        return np.asarray(mine + (every - mine) * (self.pool / np.maximum(others, self.pool)))


def best_pool(log: Episodes) -> float:
    """The pool under which the moves of every other episode are likeliest, told by the rest."""
    even = log.episodes % 2 == 0
    if log.shape[0] < 3 or even.all() or not even.any():
        return POOLS[-1]
    one, other = log.take(even), log.take(~even)
    if not (one.steps < log.shape[0] - 1).any() or not (other.steps < log.shape[0] - 1).any():
        return POOLS[-1]
    return max(POOLS, key=lambda pool: Transitions(one, pool=pool).likelihood(other))


def _moments(
    count: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of sums over so many."""
    count = np.maximum(count, 1e-12)
    mean = first / count
    return mean, np.maximum(second / count - mean**2, 0.0)
