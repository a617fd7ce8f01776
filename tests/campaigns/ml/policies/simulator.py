"""A world of customers and actions whose truth is known: chances are logistic in the features."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from campaigns.ml.policies import drawn


@dataclass(frozen=True)
class World:
    """contexts (rounds, features); chances (rounds, actions) of a reward; eligible likewise."""

    contexts: np.ndarray
    chances: np.ndarray
    eligible: np.ndarray

    @classmethod
    def made(cls, seed, *, rounds=20_000, features=12, actions=10, swap=None, closed=0.0):
        """swap: the round from which each action behaves as another did; closed: share of pairs."""
        rng = np.random.default_rng(seed)
        weights = rng.normal(0.0, 1.4 / np.sqrt(features), (actions, features))
        contexts = rng.normal(size=(rounds, features))
        chances = expit(contexts @ weights.T + rng.normal(-0.5, 0.45, actions))
        if swap is not None:
            chances[swap:] = np.roll(chances[swap:], actions // 2, axis=1)
        eligible = rng.random((rounds, actions)) >= closed
        eligible[np.arange(rounds), rng.integers(0, actions, rounds)] = True
        return cls(contexts, chances, eligible)


@dataclass(frozen=True)
class Lived:
    """Of every round: what was chosen, with what chance, what it brought; (rounds,) each."""

    actions: np.ndarray
    propensities: np.ndarray
    rewards: np.ndarray
    gained: np.ndarray  # true chance of a reward above that of a uniform choice
    gainable: np.ndarray  # the same for the best choice

    def share(self, start=0, stop=None):
        """The share of the gain that was won."""
        part = slice(start, stop)
        return float(self.gained[part].sum() / self.gainable[part].sum())


def live(policy, world, *, seed=0, delay=0):
    """Play the rounds one by one; a reward is told `delay` rounds later."""
    rng = np.random.default_rng([seed, 1])
    rounds, count = world.chances.shape
    choosing, luck = rng.random(rounds), rng.random(rounds)
    actions, propensities = np.zeros(rounds, dtype=int), np.zeros(rounds)
    rewards = np.zeros(rounds)
    for at in range(rounds + delay):
        if at < rounds:
            one = slice(at, at + 1)
            chances = policy.chances(world.contexts[one], world.eligible[one])
            action = drawn(chances, choosing[one])[0]
            actions[at], propensities[at] = action, chances[0, action]
            rewards[at] = luck[at] < world.chances[at, action]
        if at >= delay:
            told = slice(at - delay, at - delay + 1)
            policy.learn(world.contexts[told], actions[told], rewards[told])
    open_to = np.where(world.eligible, world.chances, np.nan)
    uniform = np.nanmean(open_to, axis=1)
    got = world.chances[np.arange(rounds), actions]
    return Lived(
        actions, propensities, rewards, got - uniform, np.nanmax(open_to, axis=1) - uniform
    )
