"""Choices while stocks last: as if each had come alone, one after the other."""

import numpy as np

from campaigns.ml.choosing import choose


def even(rows, eligible):
    return eligible / eligible.sum(axis=1, keepdims=True)


def chosen(size, left, *, seed=0, eligible=None):
    rng = np.random.default_rng(seed)
    if eligible is None:
        eligible = np.ones((size, len(left)), dtype=bool)
    numbers = rng.random(size)
    left = np.array(left, dtype=float)
    return choose(np.zeros((size, 1)), eligible, numbers, even, left=left), numbers, left


def test_a_batch_is_the_same_as_one_after_the_other():
    for seed in range(20):
        rng = np.random.default_rng([seed, 1])
        eligible = rng.random((60, 4)) < 0.7
        together, numbers, left = chosen(60, [np.inf, 5, 9, 2], seed=seed, eligible=eligible)
        for at in range(60):
            one = slice(at, at + 1)
            alone = choose(np.zeros((1, 1)), eligible[one], numbers[one], even, left=left)
            assert alone.actions[0] == together.actions[at]
            assert np.array_equal(alone.chances[0], together.chances[at])
            assert np.array_equal(alone.gone[0], together.gone[at])
            left[alone.actions[0]] -= 1


def test_nothing_is_chosen_more_often_than_it_is_there():
    found, _, left = chosen(500, [np.inf, 17, 40, 0])
    times = np.bincount(found.actions, minlength=4)
    assert times[1:].tolist() == [17, 40, 0]
    assert times[0] == 443


def test_who_finds_nothing_else_gets_the_first():
    eligible = np.zeros((3, 2), dtype=bool)
    eligible[:, 1] = True
    found, *_ = chosen(3, [np.inf, 1], eligible=eligible)
    assert found.actions.tolist() == [1, 0, 0]
    assert found.chances.tolist() == [[0, 1], [1, 0], [1, 0]]
    assert found.gone.tolist() == [[False, False], [False, True], [False, True]]


def test_nobody_is_nothing():
    found, *_ = chosen(0, [np.inf, 3])
    assert len(found.actions) == 0
