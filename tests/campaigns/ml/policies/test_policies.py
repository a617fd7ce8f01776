"""What every policy promises: exact chances, a floor, late rewards, a state that can be kept."""

import json

import numpy as np
import pytest

from campaigns.ml.policies import POLICIES, LinUCB, LogisticUCB, Thompson, Weighted, drawn
from crm.ml.estimator import State
from tests.campaigns.ml.policies.simulator import World, live

WORLD = World.made(3, rounds=600, features=4, actions=5, closed=0.3)
LEARNERS = ["thompson", "linucb", "logistic-ucb", "logistic-thompson"]


@pytest.fixture(params=sorted(POLICIES))
def policy(request):
    made = POLICIES[request.param](5, 4, explore=0.1)
    return made.fit(WORLD.contexts[:300], *log(300))


def log(size):
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 5, size)
    return actions, (rng.random(size) < WORLD.chances[np.arange(size), actions]).astype(float)


class TestContract:
    def test_chances_add_up_to_one_over_the_eligible_alone(self, policy):
        chances = policy.chances(WORLD.contexts, WORLD.eligible)
        assert np.allclose(chances.sum(axis=1), 1.0, atol=1e-12)
        assert np.all(chances[~WORLD.eligible] == 0.0)

    def test_no_eligible_action_falls_below_the_floor(self, policy):
        chances = policy.chances(WORLD.contexts, WORLD.eligible)
        floor = 0.1 / WORLD.eligible.sum(axis=1, keepdims=True)
        assert np.all(np.where(WORLD.eligible, chances - floor, 0.0) >= -1e-12)

    def test_actions_are_drawn_as_often_as_the_chances_say(self, policy):
        chances = np.repeat(policy.chances(WORLD.contexts[:1], WORLD.eligible[:1]), 200_000, axis=0)
        actions = drawn(chances, np.random.default_rng(1).random(200_000))
        seen = np.bincount(actions, minlength=5) / 200_000
        assert np.allclose(seen, chances[0], atol=4.5 * np.sqrt(0.25 / 200_000))

    def test_one_round_is_decided_as_in_a_batch(self, policy):
        whole = policy.chances(WORLD.contexts, WORLD.eligible)
        alone = policy.chances(WORLD.contexts[7:8], WORLD.eligible[7:8])
        assert np.allclose(whole[7], alone[0], atol=1e-9)

    def test_rewards_may_come_in_any_batches(self, policy):
        actions, rewards = log(300)
        again = type(policy)(5, 4, explore=0.1).begin()
        for part in (slice(0, 1), slice(1, 1), slice(1, 120), slice(120, 300)):
            assert again.learn(WORLD.contexts[:300][part], actions[part], rewards[part]) is again
        assert np.array_equal(
            again.chances(WORLD.contexts, WORLD.eligible),
            policy.chances(WORLD.contexts, WORLD.eligible),
        )

    def test_state_is_arrays_and_json_and_makes_the_same_policy(self, policy):
        state = policy.state()
        assert all(array.dtype != object for array in state.arrays.values())
        again = type(policy).from_state(State(state.arrays, json.loads(json.dumps(state.settings))))
        assert np.array_equal(
            again.chances(WORLD.contexts, WORLD.eligible),
            policy.chances(WORLD.contexts, WORLD.eligible),
        )

    def test_settings_alone_are_known_before_it_begins(self, policy):
        fresh = type(policy)(5, 4)
        assert not [name for name in vars(fresh) if name.endswith("_")]

    def test_a_policy_that_knows_nothing_treats_all_alike(self, policy):
        fresh = type(policy)(5, 4).begin()
        everything = np.ones((3, 5), dtype=bool)
        assert np.allclose(fresh.chances(WORLD.contexts[:3], everything), 0.2, atol=1e-9)

    def test_a_single_eligible_action_is_certain(self, policy):
        only = np.array([[False, False, True, False, False]])
        assert policy.chances(WORLD.contexts[:1], only).tolist() == [[0, 0, 1, 0, 0]]

    def test_nothing_eligible_is_refused_by_its_round(self, policy):
        eligible = WORLD.eligible.copy()
        eligible[2] = False
        with pytest.raises(ValueError, match="round 2"):
            policy.chances(WORLD.contexts, eligible)

    def test_no_rounds_are_no_chances(self, policy):
        assert policy.chances(WORLD.contexts[:0], WORLD.eligible[:0]).shape == (0, 5)


class TestDrawing:
    def test_the_ends_of_the_line_are_actions_with_a_chance(self):
        chances = np.tile([0.0, 0.3, 0.7, 0.0], (3, 1))
        numbers = np.array([0.0, 0.3, np.nextafter(1.0, 0.0)])
        assert drawn(chances, numbers).tolist() == [1, 2, 2]

    def test_sums_that_round_below_one_still_find_an_action(self):
        chances = np.full((1, 10), 0.1) - 1e-16
        assert drawn(chances, np.array([np.nextafter(1.0, 0.0)])).tolist() == [9]


class TestWeights:
    def test_a_rule_is_a_weight_among_zeros(self):
        policy = Weighted(3, weights=[0.0, 2.0, 0.0], explore=0.03).begin()
        chances = policy.chances(np.zeros((1, 0)), np.ones((1, 3), dtype=bool))
        assert np.allclose(chances, [[0.01, 0.98, 0.01]])

    def test_where_no_weight_is_eligible_all_are_alike(self):
        policy = Weighted(3, weights=[0.0, 2.0, 0.0]).begin()
        chances = policy.chances(np.zeros((1, 0)), np.array([[True, False, True]]))
        assert np.allclose(chances, [[0.5, 0, 0.5]])

    @pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0, 1.0], [1.0, float("nan"), 1.0]])
    def test_weights_that_are_none_are_refused(self, weights):
        with pytest.raises(ValueError, match="weights"):
            Weighted(3, weights=weights).begin()


class TestBeliefs:
    def test_linucb_is_ridge_regression(self):
        actions, rewards = log(300)
        policy = LinUCB(5, 4, ridge=2.0).fit(WORLD.contexts[:300], actions, rewards)
        rows = np.column_stack([np.ones(300), WORLD.contexts[:300]])[actions == 1]
        centred = (WORLD.contexts[:300] - WORLD.contexts[:300].mean(0)) / WORLD.contexts[:300].std(
            0
        )
        wide = np.column_stack([np.ones(300), centred])[actions == 1]
        there = np.linalg.solve(wide.T @ wide + 2.0 * np.eye(5), wide.T @ rewards[actions == 1])
        assert np.allclose(wide @ there, rows @ policy.means_[1])
        precision = rows.T @ rows + np.linalg.inv(policy.prior_)
        assert np.allclose(np.linalg.inv(policy.covariances_[1]), precision, rtol=1e-9)
        assert np.allclose(
            policy.means_[1], np.linalg.solve(precision, rows.T @ rewards[actions == 1])
        )

    def test_money_is_treated_alike_in_any_currency(self):
        actions, rewards = log(300)
        one, hundred = (
            LinUCB(5, 4).fit(WORLD.contexts[:300], actions, factor * rewards)
            for factor in (1.0, 100.0)
        )
        assert np.allclose(
            one.chances(WORLD.contexts, WORLD.eligible),
            hundred.chances(WORLD.contexts, WORLD.eligible),
        )

    @pytest.mark.parametrize("kind", [LinUCB, LogisticUCB])
    def test_features_may_be_of_any_size_and_place(self, kind):
        """But for the first rewards, before it is known what the features are like."""
        world = World.made(21, rounds=4_000, features=3, actions=4)
        moved = World(
            world.contexts * np.array([0.01, 1.0, 300.0]) + 5.0, world.chances, world.eligible
        )
        one, other = (live(kind(4, 3).begin(), each).share(500) for each in (world, moved))
        assert other > one - 0.03

    def test_logistic_weights_come_near_those_of_a_whole_fit(self):
        from sklearn.linear_model import LogisticRegression

        world = World.made(8, rounds=8_000, features=4, actions=1)
        rewards = (np.random.default_rng(2).random(8_000) < world.chances[:, 0]).astype(float)
        policy = LogisticUCB(1, 4).fit(world.contexts, np.zeros(8_000, dtype=int), rewards)
        whole = LogisticRegression(C=0.5).fit(world.contexts, rewards)
        assert np.allclose(policy.means_[0, 1:], whole.coef_[0], atol=0.06)
        assert np.isclose(policy.means_[0, 0], whole.intercept_[0], atol=0.06)

    def test_twenty_thousand_updates_keep_the_inverse(self):
        rng = np.random.default_rng(4)
        rows = rng.normal(size=(20_000, 6))
        policy = LinUCB(1, 6).fit(rows, np.zeros(20_000, dtype=int), rng.normal(size=20_000))
        wide = np.column_stack([np.ones(20_000), rows])
        precision = wide.T @ wide + np.linalg.inv(policy.prior_)
        assert np.allclose(policy.covariances_[0] @ precision, np.eye(7), atol=1e-8)

    @pytest.mark.parametrize("kind", [Thompson, LogisticUCB])
    @pytest.mark.parametrize("reward", [-0.1, 1.1, float("nan")])
    def test_a_reward_that_is_no_share_is_refused_by_those_who_need_one(self, kind, reward):
        with pytest.raises(ValueError, match="share"):
            kind(2, 1).fit(np.zeros((1, 1)), np.array([0]), np.array([reward]))


@pytest.mark.parametrize("name", LEARNERS)
def test_what_is_learned_is_chosen(name):
    rng = np.random.default_rng(5)
    actions = rng.integers(0, 3, 900)
    rewards = (rng.random(900) < np.array([0.2, 0.7, 0.3])[actions]).astype(float)
    policy = POLICIES[name](3, 2).fit(rng.normal(size=(900, 2)), actions, rewards)
    chances = policy.chances(rng.normal(size=(50, 2)), np.ones((50, 3), dtype=bool))
    assert chances[:, 1].mean() > 0.9


class TestLife:
    """Twelve features, ten actions, chances that are logistic in them."""

    def test_the_gain_is_won(self):
        lived = [live(LogisticUCB(10, 12).begin(), World.made(s), seed=s) for s in (10, 11)]
        assert np.mean([one.share() for one in lived]) >= 0.935

    def test_linucb_is_nearly_as_good(self):
        assert live(LinUCB(10, 12).begin(), World.made(10)).share() > 0.91

    def test_rewards_that_come_late_cost_little(self):
        prompt, late = (
            live(LogisticUCB(10, 12).begin(), World.made(10), delay=delay).share()
            for delay in (0, 200)
        )
        assert late > prompt - 0.03

    def test_closed_actions_are_left_alone_and_the_gain_is_won_among_the_others(self):
        world = World.made(12, rounds=10_000, closed=0.4)
        lived = live(LogisticUCB(10, 12).begin(), world)
        assert world.eligible[np.arange(10_000), lived.actions].all()
        assert lived.share(2_000) > 0.9

    @pytest.mark.parametrize("kind", [LogisticUCB, LinUCB])
    def test_when_the_actions_swap_the_gain_is_won_again(self, kind):
        world = World.made(13, rounds=14_000, swap=10_000)
        lived = live(kind(10, 12).begin(), world)
        assert lived.share(10_000, 10_500) < 0.7
        assert lived.share(12_500, 13_500) >= 0.9

    def test_without_a_change_there_is_no_alarm(self):
        policy = LogisticUCB(10, 12).begin()
        live(policy, World.made(14, rounds=15_000))
        # Learned anew in between, fifteen thousand rewards would not have left so little doubt.
        certainty = np.linalg.slogdet(policy.covariances_)[1].mean()
        assert certainty < live_certainty(rounds=14_000)

    def test_weights_of_the_log_are_right_on_average(self):
        """The sum over rounds of 1/propensity for an action comes to the number of rounds."""
        lived = live(
            LogisticUCB(4, 3, explore=0.2).begin(),
            World.made(15, rounds=6_000, features=3, actions=4),
        )
        for action in range(4):
            weights = np.where(lived.actions == action, 1.0 / lived.propensities, 0.0)
            assert abs(weights.mean() - 1.0) < 5 * weights.std() / np.sqrt(6_000)


def live_certainty(*, rounds):
    policy = LogisticUCB(10, 12, patience=np.inf).begin()
    live(policy, World.made(14, rounds=rounds))
    return np.linalg.slogdet(policy.covariances_)[1].mean()


@pytest.mark.parametrize("name", ["linucb", "logistic-ucb", "logistic-thompson"])
@pytest.mark.parametrize("value", [6.5958, 1.0986, 1e6 / 3])
def test_a_feature_that_is_the_same_for_everybody_does_no_harm(name, value):
    rng = np.random.default_rng(8)
    contexts = np.column_stack([rng.normal(size=500), np.full(500, value), np.full(500, 0.1)])
    actions = rng.integers(0, 2, 500)
    rewards = ((contexts[:, 0] > 0) == (actions == 0)).astype(float)
    policy = POLICIES[name](2, 3).fit(contexts, actions, rewards)
    chances = policy.chances(contexts, np.ones((500, 2), dtype=bool))
    right = np.where(contexts[:, 0] > 0, chances[:, 0], chances[:, 1])
    assert right[np.abs(contexts[:, 0]) > 0.5].min() > 0.9
