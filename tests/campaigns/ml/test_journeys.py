"""Patience is learned from episodes; where they say too little, nothing is risked."""

import json

import numpy as np
import pytest

from campaigns.ml.journeys import JourneyPolicy, judge, value_of
from campaigns.ml.transitions import ENDED, Episodes, Transitions, best_pool
from crm.ml.estimator import State
from tests.campaigns.ml.journey import NOTHING, World

WORLD = World()
BEST = WORLD.value(WORLD.best())


def fitted(episodes, seed=0, **more):
    return JourneyPolicy(nothing=NOTHING, **more).fit(WORLD.log(episodes, seed))


def share(policy):
    return WORLD.value(policy.choices_) / BEST


class TestWorth:
    def test_looking_at_the_next_reward_alone_wins_little(self):
        assert WORLD.value(WORLD.myopic()) < 0.66 * BEST
        assert share(fitted(50_000, myopic=True)) < 0.66

    def test_ten_thousand_episodes_are_nearly_enough(self):
        assert np.mean([share(fitted(10_000, seed)) for seed in range(4)]) >= 0.95

    def test_fifty_thousand_are(self):
        assert np.mean([share(fitted(50_000, seed)) for seed in range(2)]) >= 0.98

    @pytest.mark.parametrize("episodes", [3, 20, 100, 500])
    def test_however_few_it_is_not_below_doing_nothing(self, episodes):
        idle = WORLD.value(np.full(WORLD.best().shape, NOTHING))
        for seed in range(10):
            log = WORLD.log(episodes, seed)
            found = judge(log, nothing=NOTHING, rng=np.random.default_rng(seed)).policy
            assert WORLD.value(found.choices_) >= idle

    def test_where_messages_only_cost_nothing_is_done(self):
        world = World(worthless=True)
        log = world.log(3_000)
        found = judge(log, nothing=NOTHING, rng=np.random.default_rng(0))
        assert found.is_nothing
        assert world.value(found.policy.choices_) == 0.0
        assert found.worth == found.nothing

    def test_enough_episodes_are_acted_upon(self):
        found = judge(WORLD.log(2_000, 1), nothing=NOTHING, rng=np.random.default_rng(1))
        assert not found.is_nothing
        assert share(found.policy) > 0.8

    def test_more_is_learned_from_more(self):
        few, many = (np.mean([share(fitted(n, seed)) for seed in range(4)]) for n in (300, 6_000))
        assert many > few + 0.05


class TestJudging:
    def test_the_value_is_that_of_the_world_within_its_interval(self):
        log = WORLD.log(8_000, 3)
        found = judge(log, nothing=NOTHING, rng=np.random.default_rng(0))
        true = WORLD.value(found.policy.choices_)
        assert found.worth.lower < true < found.worth.upper
        assert found.worth.value < found.worth.upper < 1.3 * BEST
        assert found.nothing.value == pytest.approx(0.0, abs=1e-9)
        assert found.myopic.value < found.worth.value

    def test_a_given_policy_is_valued_as_in_the_world(self):
        log = WORLD.log(20_000, 5)
        value = value_of(log, WORLD.best(), pool=5_000.0, weights=np.ones(len(log.steps)))
        assert value == pytest.approx(BEST, rel=0.1)

    def test_the_same_seed_judges_alike(self):
        log = WORLD.log(400)
        one, other = (judge(log, nothing=NOTHING, rng=np.random.default_rng(2)) for _ in range(2))
        assert one.worth == other.worth

    def test_a_single_episode_is_judged_by_itself(self):
        found = judge(WORLD.log(1), nothing=NOTHING, rng=np.random.default_rng(0))
        assert np.isfinite(found.worth.value)


class TestThin:
    def two_states(self, rare):
        """State 0 often, where action 1 is better; state 1 has few decisions, none of action 1."""
        states = np.r_[np.zeros(400, int), np.ones(rare, int)]
        actions = np.r_[np.arange(400) % 2, np.zeros(rare, int)]
        rewards = np.where(states == 0, actions * 1.0, 0.0)
        size = len(states)
        zeros = np.zeros(size, int)
        return Episodes(
            np.arange(size), zeros, states, actions, rewards, np.full(size, ENDED), (1, 2, 2)
        )

    def test_a_state_with_few_decisions_does_what_is_best_for_everybody(self):
        policy = JourneyPolicy().fit(self.two_states(2))
        assert policy.choices_.tolist() == [[1, 1]]
        assert policy.support_[0, 1] == 0

    def test_with_enough_of_them_it_keeps_to_what_was_tried(self):
        assert JourneyPolicy().fit(self.two_states(40)).choices_.tolist() == [[1, 0]]


class TestTransitions:
    LOG = Episodes(
        episodes=np.array([0, 0, 1, 1, 2]),
        steps=np.array([0, 1, 0, 1, 0]),
        states=np.array([0, 1, 0, 0, 0]),
        actions=np.array([0, 0, 0, 0, 0]),
        rewards=np.array([0.0, 6.0, 0.0, 2.0, 1.0]),
        following=np.array([1, ENDED, 0, ENDED, ENDED]),
        shape=(2, 2, 1),
    )

    def test_by_hand(self):
        counted = Transitions(self.LOG, pool=1e-9)
        last, spread, count = counted.ahead(1, np.zeros(2))
        assert last.ravel() == pytest.approx([2.0, 6.0])
        first = counted.ahead(0, last.ravel())[0]
        # A third goes to each state, a third is over; a third of them brought 1 at once.
        assert first[0, 0] == pytest.approx((1.0 + 6.0 + 2.0 + 0.0) / 3)
        assert value_of(
            self.LOG, np.zeros((2, 2), int), pool=1e-9, weights=np.ones(5)
        ) == pytest.approx(3.0)

    def test_a_large_pool_makes_all_steps_alike(self):
        counted = Transitions(self.LOG, pool=1e9)
        mean = counted.ahead(1, np.zeros(2))[0]
        assert mean[0, 0] == pytest.approx(3 / 4)

    def test_where_steps_are_alike_the_pool_is_large_and_where_they_differ_it_is_small(self):
        alike = WORLD.log(3_000)
        assert best_pool(alike) >= 250
        turned = Episodes(
            alike.episodes, alike.steps, alike.states,
            np.where(alike.steps < 5, alike.actions, (alike.actions + 2) % 4),
            alike.rewards, alike.following, alike.shape,
        )  # fmt: skip
        assert best_pool(turned) < best_pool(alike)

    def test_state_round_trips(self):
        policy = fitted(200)
        state = policy.state()
        again = JourneyPolicy.from_state(
            State(state.arrays, json.loads(json.dumps(state.settings)))
        )
        assert np.array_equal(again.choices_, policy.choices_)
        assert vars(again).keys() == vars(policy).keys()
