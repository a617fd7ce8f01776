"""Logs of a known world: what each action brings in each context is known, so values are too."""

import numpy as np
from scipy.special import expit, softmax

from campaigns.ml.offpolicy import Log
from campaigns.ml.policies import drawn


class Shop:
    """Five features, six actions; rewards are 0 or 1 with chances bent in the features."""

    def __init__(self, seed=0, *, features=5, actions=6):
        rng = np.random.default_rng(seed)
        self.weights = rng.normal(0, 0.9, (features, actions))
        self.base = rng.normal(0.0, 0.4, actions)
        self.logged = rng.normal(0, 0.35, (features, actions))
        self.tried = rng.normal(0, 0.5, (features, actions))

    def rewarded(self, contexts):
        return expit(contexts @ self.weights + self.base + 0.3 * contexts[:, :1] ** 2)

    def logging(self, contexts):
        return 0.9 * softmax(contexts @ self.logged, axis=1) + 0.1 / len(self.base)

    def candidate(self, contexts):
        return softmax(contexts @ self.tried, axis=1)

    def better(self, contexts):
        return softmax(4.0 * self.rewarded(contexts), axis=1)

    def worse(self, contexts):
        return softmax(-3.0 * self.rewarded(contexts), axis=1)

    def log(self, size, seed, *, per_customer=1):
        """Decisions of a customer share features and luck."""
        rng = np.random.default_rng([seed, 7])
        people = -(-size // per_customer)
        customers = np.repeat(np.arange(people), per_customer)[:size]
        contexts = rng.normal(size=(people, len(self.weights)))[customers]
        chances = self.logging(contexts)
        actions = drawn(chances, rng.random(size))
        luck = np.where(per_customer > 1, rng.random(people)[customers], rng.random(size))
        every = np.arange(size)
        rewards = (luck < self.rewarded(contexts)[every, actions]).astype(float)
        return Log(actions, chances[every, actions], rewards, contexts, customers)

    def value(self, policy, *, size=400_000):
        contexts = np.random.default_rng(99).normal(size=(size, len(self.weights)))
        return float((policy(contexts) * self.rewarded(contexts)).sum(axis=1).mean())
