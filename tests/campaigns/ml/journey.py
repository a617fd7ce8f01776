"""A world of journeys whose best policy is known: patience pays, too many messages drive away."""

from itertools import product

import numpy as np

from campaigns.ml.transitions import ENDED, Episodes

NOTHING, NEWS, OFFER, CALL = range(4)
STEPS = 10
INTEREST, FATIGUE = 5, 4


class World:
    """States are interest (0-4) and fatigue (0-3). News raise interest and earn nothing; an offer
    earns by interest and uses it up; both tire, and the tired leave for good."""

    def __init__(self, *, worthless=False):
        self.states = list(product(range(INTEREST), range(FATIGUE)))
        count = len(self.states)
        self.moves = np.zeros((count, 4, count + 1))  # the last one: gone
        self.chance = np.zeros((count, 4))
        self.price = np.array([0.0, 0.0, 3.0, 4.0])
        self.cost = np.array([0.0, 0.05, 0.1, 0.8])
        for at, (interest, fatigue) in enumerate(self.states):
            for action in range(4):
                self._fill(at, interest, fatigue, action)
        if worthless:
            self.chance[:, 1:] = self.chance[:, :1]
            self.price[:] = 0.0
        self.start = np.zeros(count)
        self.start[[self.states.index((one, 0)) for one in (0, 1, 2)]] = 0.3, 0.3, 0.4

    def _fill(self, at, interest, fatigue, action):
        tire = {NOTHING: 0.0, NEWS: 0.4, OFFER: 0.6, CALL: 0.9}[action]
        leave = 0.0 if action == NOTHING else 0.04 * fatigue
        self.chance[at, action] = {
            NOTHING: 0.0, NEWS: 0.0, OFFER: 0.08 + 0.03 * interest**2, CALL: 0.15 + 0.035 * interest**2,
        }[action]  # fmt: skip
        more = {NOTHING: 0.02, NEWS: 0.7 - 0.18 * fatigue, OFFER: 0.0, CALL: 0.0}[action]
        less = {NOTHING: 0.08, NEWS: 0.05, OFFER: 0.4, CALL: 0.6}[action]
        for step, chance in ((1, more), (-1, less), (0, 1 - more - less)):
            there = min(max(interest + step, 0), INTEREST - 1)
            rest = 0.6 if action == NOTHING else 0.15
            for tired, likely in ((1, tire), (-1, (1 - tire) * rest), (0, (1 - tire) * (1 - rest))):
                state = self.states.index((there, min(max(fatigue + tired, 0), FATIGUE - 1)))
                self.moves[at, action, state] += (1 - leave) * chance * likely
        self.moves[at, action, -1] = leave

    @property
    def expected(self):
        return self.chance * self.price - self.cost

    def best(self):
        """(steps, states) of actions."""
        value, choices = np.zeros(len(self.states) + 1), np.zeros((STEPS, len(self.states)), int)
        for step in reversed(range(STEPS)):
            ahead = self.expected + self.moves @ value
            choices[step] = ahead.argmax(axis=1)
            value[:-1] = ahead.max(axis=1)
        return choices

    def myopic(self):
        return np.tile(self.expected.argmax(axis=1), (STEPS, 1))

    def value(self, choices):
        """The true worth of choices (steps, states)."""
        value, every = np.zeros(len(self.states) + 1), np.arange(len(self.states))
        for step in reversed(range(STEPS)):
            now = self.expected[every, choices[step]]
            value[:-1] = now + (self.moves[every, choices[step]] * value).sum(axis=1)
        return float(self.start @ value[:-1])

    def log(self, episodes, seed=0, *, shares=(0.4, 0.2, 0.2, 0.2)):
        rng = np.random.default_rng(seed)
        person, state = np.arange(episodes), rng.choice(len(self.states), episodes, p=self.start)
        rows = []
        for step in range(STEPS):
            action = rng.choice(4, len(person), p=shares)
            bought = rng.random(len(person)) < self.chance[state, action]
            reward = bought * self.price[action] - self.cost[action]
            reached = self.moves[state, action].cumsum(axis=1)
            to = (reached < rng.random(len(person))[:, None]).sum(axis=1)
            gone = to >= len(self.states)
            after = np.where(gone, ENDED, to)
            rows.append((person, np.full(len(person), step), state, action, reward, after))
            person, state = person[~gone], to[~gone]
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        return Episodes(*columns, shape=(STEPS, len(self.states), 4))
