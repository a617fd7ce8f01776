"""A policy by the names of its actions, some of which it has never seen."""

import numpy as np
import pytest

from campaigns.ml.placed import NEWCOMERS, PlacedPolicy
from campaigns.ml.policies import POLICIES
from crm.ml.estimator import State

FEATURES = ["age", "spend"]


def taught(kind="linucb", actions=("nothing", "a", "b"), **settings):
    rng = np.random.default_rng(3)
    contexts = rng.normal(size=(400, 2))
    numbers = rng.integers(0, len(actions), 400)
    chance = np.where((numbers == 1) == (contexts[:, 0] > 0), 0.9, 0.1)
    rewards = (rng.random(400) < chance).astype(float)
    policy = PlacedPolicy("policy-x", kind, actions=actions, features=FEATURES, settings=settings)
    return policy.fit(contexts, numbers, rewards)


@pytest.mark.parametrize("kind", POLICIES)
def test_chances_add_up_and_are_none_for_what_is_not_eligible(kind):
    policy = taught(kind)
    contexts = np.random.default_rng(0).normal(size=(200, 2))
    order = ["nothing", "b", "new", "a", "newer"]
    eligible = np.random.default_rng(1).random((200, 5)) < 0.5
    eligible[:, 0] |= ~eligible.any(axis=1)
    chances = policy.chances(contexts, eligible, order)
    assert np.allclose(chances.sum(axis=1), 1.0, atol=1e-12)
    assert np.all((chances > 0) == eligible)


def test_the_order_in_which_actions_are_asked_for_does_not_matter():
    policy = taught()
    contexts, eligible = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones((2, 3), dtype=bool)
    one = policy.chances(contexts, eligible, ["nothing", "a", "b"])
    other = policy.chances(contexts, eligible, ["b", "nothing", "a"])
    assert np.allclose(one, other[:, [1, 2, 0]])
    assert one[0].argmax() == 1  # what it was taught for those with a feature above zero
    assert one[1].argmax() != 1


def test_a_newcomer_gets_half_of_an_even_share():
    chances = taught().chances(
        np.zeros((1, 2)), np.ones((1, 4), dtype=bool), ["nothing", "a", "b", "n"]
    )
    assert chances[0, 3] == pytest.approx(NEWCOMERS / 4)


def test_where_all_are_new_all_are_alike():
    chances = taught().chances(np.zeros((1, 2)), np.ones((1, 2), dtype=bool), ["m", "n"])
    assert chances.tolist() == [[0.5, 0.5]]


def test_a_row_without_an_eligible_action_is_refused():
    with pytest.raises(ValueError, match="round 1 has no eligible action"):
        taught().chances(np.zeros((2, 2)), np.array([[True], [False]]), ["a"])


def test_what_it_learned_survives_being_kept():
    policy = taught("logistic-ucb", width=0.0)
    state = policy.state()
    again = PlacedPolicy.from_state(State(state.arrays, state.settings))
    contexts, eligible = np.random.default_rng(5).normal(size=(50, 2)), np.ones((50, 3), dtype=bool)
    order = ["nothing", "a", "b"]
    assert np.array_equal(
        policy.chances(contexts, eligible, order), again.chances(contexts, eligible, order)
    )
    assert (again.name, again.label, policy.name) == ("policy-x", "greedy", "policy-x")
    assert PlacedPolicy.name == "policy"


class TestWhatSpeaksForAChoice:
    def test_it_is_the_feature_that_decided(self):
        policy = taught()
        contexts = np.array([[2.0, 0.0]])
        drivers = policy.drivers(
            contexts, np.ones((1, 3), dtype=bool), ["a"], ["nothing", "a", "b"]
        )
        assert drivers[0].argmax() == 0
        assert drivers[0, 0] > 0

    def test_a_newcomer_and_a_policy_without_features_have_none(self):
        order, one = ["a", "new"], np.ones((1, 2), dtype=bool)
        assert not taught().drivers(np.ones((1, 2)), one, ["new"], order).any()
        assert not taught("thompson").drivers(np.ones((1, 2)), one, ["a"], order).any()
