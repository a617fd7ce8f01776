"""The reward model learns what is common to all actions and what each adds."""

import numpy as np
import pytest

from campaigns.ml.rewards import RewardModel
from tests.contracts import EstimatorContract


def rounds(size=4_000, seed=0):
    rng = np.random.default_rng(seed)
    contexts, actions = rng.normal([0, 50], [1, 10], (size, 2)), rng.integers(0, 3, size)
    rewards = 2.0 + contexts[:, 0] * np.array([1.0, 1.0, -1.0])[actions] + 0.1 * contexts[:, 1]
    return contexts, actions, rewards + rng.normal(0, 0.5, size)


class TestContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return RewardModel(3)

    @pytest.fixture
    def data(self):
        return rounds(200)

    def fit(self, estimator, data):
        return estimator.fit(*data)

    def answer(self, estimator, data):
        return estimator.predict(data[0])


def test_each_action_has_its_own_slope():
    found = RewardModel(3).fit(*rounds()).predict(np.array([[1.0, 50.0], [-1.0, 50.0]]))
    assert found == pytest.approx(np.array([[8.0, 8.0, 6.0], [6.0, 6.0, 8.0]]), abs=0.1)


def test_an_action_never_tried_gets_what_is_common_to_all():
    contexts, actions, rewards = rounds()
    found = RewardModel(5).fit(contexts, actions, rewards).predict(contexts[:1])
    assert found[0, 3] == found[0, 4]
    assert np.isfinite(found).all()


def test_without_features_it_is_the_mean_of_an_action_drawn_to_that_of_all():
    empty = np.zeros((30, 0))
    rewards = np.r_[np.ones(10), np.zeros(20)]
    found = RewardModel(2).fit(empty, np.r_[np.zeros(10, int), np.ones(20, int)], rewards)
    first, second = found.predict(empty[:1])[0]
    assert 1 / 3 < first < 1
    assert 0 < second < 1 / 3


def test_a_column_that_never_varies_does_no_harm():
    contexts, actions, rewards = rounds()
    contexts[:, 1] = 7.0
    assert np.isfinite(RewardModel(3).fit(contexts, actions, rewards).predict(contexts)).all()
