"""What to do at each step of a journey when the reward comes later: value iteration on counts.

Values are worked out backwards from the last step (Bellman 1957) on transitions counted in logged
episodes. A choice has to beat doing nothing by more than luck could; where too little is known of
a state, what is best for everybody decides, as a bandit without context would.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from campaigns.ml.transitions import Episodes, Transitions, best_pool
from crm.ml.estimator import State, restored

FEWEST = 3.0  # decisions behind a choice, those of other steps included
CAUTION = 0.25  # standard errors that a choice must be ahead of doing nothing
TYPICAL = 5.0  # decisions with the usual spread that each cell is given besides its own
RESAMPLES = 40
FEWEST_EPISODES = 30  # below, resamples of them say little about luck


@dataclass(frozen=True)
class Worth:
    """A policy's value an episode, and the interval that holds it 19 times in 20."""

    value: float
    lower: float
    upper: float


class JourneyPolicy:
    """An action for every step and state.

    nothing: the number of the action that does nothing, if there is one. myopic: look at the next
    reward only.
    """

    name: ClassVar[str] = "journey"
    format: ClassVar[int] = 1

    def __init__(
        self, *, nothing: int | None = None, myopic: bool = False, caution: float = CAUTION
    ) -> None:
        self.nothing = nothing
        self.myopic = myopic
        self.caution = caution

    def fit(self, log: Episodes) -> Self:
        """Learn choices_ (steps, states), values_ likewise, and support_, the decisions behind."""
        return self._fit(log, best_pool(log))

    def _fit(self, log: Episodes, pool: float) -> Self:
        steps, states, _ = log.shape
        counted = Transitions(log, pool=pool)
        self.pool_ = np.array(pool)
        self.choices_ = np.zeros((steps, states), dtype=int)
        self.values_, self.support_ = np.zeros((steps, states)), np.zeros((steps, states))
        value = np.zeros(states)
        every = np.arange(states)
        for step in reversed(range(steps)):
            mean, spread, count = counted.ahead(step, value * (not self.myopic))
            choice, known = self._choice(mean, spread, count)
            chosen = mean[every, choice]
            value = np.where(known, chosen, _averages(mean, count)[0][choice])
            self.choices_[step], self.values_[step] = choice, value
            self.support_[step] = np.where(known, count[every, choice], 0.0)
        return self

    def _choice(
        self, mean: np.ndarray, spread: np.ndarray, count: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Per state, an action; and whether the state is known well enough to say so itself."""
        usual = float((spread * count).sum() / max(count.sum(), 1e-12))
        error = (spread * count + TYPICAL * usual) / (count + TYPICAL) / np.maximum(count, 1e-12)
        gain = self._gain(mean, error)
        enough = count >= FEWEST
        known = np.asarray(enough.any(axis=1))
        if self.nothing is not None:
            known = known & enough[:, self.nothing]
            gain[:, self.nothing] = 0.0
        best = np.where(enough, gain, -np.inf).argmax(axis=1)
        average, total = _averages(mean, count)
        common = self._gain(average[None], usual / np.maximum(total, 1e-12)[None])
        if self.nothing is not None:
            common[:, self.nothing] = 0.0
        return np.where(known, best, np.where(total > 0, common[0], -np.inf).argmax()), known

    def _gain(self, mean: np.ndarray, error: np.ndarray) -> np.ndarray:
        """By how much each action is ahead of doing nothing, luck taken off; (states, actions)."""
        if self.nothing is None:
            return np.asarray(mean - self.caution * np.sqrt(error))
        least = slice(self.nothing, self.nothing + 1)
        return np.asarray(mean - mean[:, least] - self.caution * np.sqrt(error + error[:, least]))

    def state(self) -> State:
        learned = ("pool_", "choices_", "values_", "support_")
        settings = ("nothing", "myopic", "caution")
        return State(
            arrays={name: getattr(self, name) for name in learned},
            settings={name: getattr(self, name) for name in settings},
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)


@dataclass(frozen=True)
class Judged:
    """The policy to use, and what it, doing nothing and looking at the next reward are worth.

    All are judged by episodes that had no part in learning them. is_nothing: it was not clearly
    ahead of doing nothing there, so nothing is done.
    """

    policy: JourneyPolicy
    worth: Worth
    nothing: Worth | None
    myopic: Worth
    is_nothing: bool


def judge(log: Episodes, *, nothing: int | None, rng: np.random.Generator) -> Judged:
    """Learn from all episodes; judge by halves, each by the transitions of the other.

    rng deals out the halves and the resamples behind the intervals.
    """
    policy = JourneyPolicy(nothing=nothing).fit(log)
    pool = float(policy.pool_)
    half = rng.integers(0, 2, int(log.episodes.max()) + 1)[log.episodes]
    idle = None if nothing is None else np.full(log.shape[:2], nothing)
    ours, still, greedy = [], [], []
    for held in (0, 1):
        train, test = log.take(half != held), log.take(half == held)
        if not len(train.steps) or not len(test.steps):
            train = test = log
        learned = JourneyPolicy(nothing=nothing)._fit(train, pool)
        myopic = JourneyPolicy(nothing=nothing, myopic=True)._fit(train, pool)
        many = _resampled(test, rng)
        ours.append(_worths(test, learned.choices_, pool, many))
        greedy.append(_worths(test, myopic.choices_, pool, many))
        if idle is not None:
            still.append(_worths(test, idle, pool, many))
    worth, nothing_worth = _worth(ours), _worth(still) if still else None
    is_nothing = bool(still) and not _is_ahead(ours, still, people=len(np.unique(log.episodes)))
    if is_nothing and idle is not None and nothing_worth is not None:
        policy.choices_, worth = idle, nothing_worth
    return Judged(policy, worth, nothing_worth, _worth(greedy), is_nothing)


def value_of(log: Episodes, choices: np.ndarray, *, pool: float, weights: np.ndarray) -> float:
    """What an episode brings when these choices (steps, states) are made, by the log's counts."""
    counted = Transitions(log, pool=pool, weights=weights)
    steps, states, _ = log.shape
    value = np.zeros(states)
    for step in reversed(range(steps)):
        mean, _, count = counted.ahead(step, value)
        chosen = mean[np.arange(states), choices[step]]
        known = count[np.arange(states), choices[step]] > 0
        value = np.where(known, chosen, _averages(mean, count)[0][choices[step]])
    return float(log.starts(weights) @ value)


def _is_ahead(ours: list[list[float]], still: list[list[float]], *, people: int) -> bool:
    """By an interval of the difference, the same episodes drawn for both."""
    gains = [list(np.subtract(one, other)) for one, other in zip(ours, still, strict=True)]
    return people >= FEWEST_EPISODES and _worth(gains).lower > 0.0


def _averages(mean: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over all states: what each action is worth, and how often it was taken; (actions,)."""
    total = count.sum(axis=0)
    return (mean * count).sum(axis=0) / np.maximum(total, 1e-12), total


def _resampled(log: Episodes, rng: np.random.Generator) -> list[np.ndarray]:
    """Weights of decisions: all alike first, then episodes drawn anew (Poisson bootstrap)."""
    people = int(log.episodes.max()) + 1
    drawn = [rng.poisson(1.0, people)[log.episodes].astype(float) for _ in range(RESAMPLES)]
    return [np.ones(len(log.steps)), *drawn]


def _worths(
    log: Episodes, choices: np.ndarray, pool: float, weights: list[np.ndarray]
) -> list[float]:
    return [value_of(log, choices, pool=pool, weights=one) for one in weights]


def _worth(halves: list[list[float]]) -> Worth:
    """The mean of both halves; each list has its value first, then those of its resamples."""
    value = float(np.mean([one[0] for one in halves]))
    error = float(np.sqrt(sum(np.var(one[1:], ddof=1) for one in halves))) / len(halves)
    return Worth(value, value - 1.96 * error, value + 1.96 * error)
