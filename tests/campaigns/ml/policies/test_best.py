"""Thompson's chances, computed, are those of drawing."""

import numpy as np
import pytest
from scipy.special import ndtr

from campaigns.ml.policies import best

DRAWS = 200_000


def frequencies(draws):
    return np.bincount(draws.argmax(axis=1), minlength=draws.shape[1]) / len(draws)


@pytest.mark.parametrize("count", [2, 3, 10, 40])
def test_normals_of_very_different_widths(count):
    rng = np.random.default_rng(count)
    for spread in (0.1, 1.0, 3.0):
        mean, width = rng.normal(0, spread, count), np.exp(rng.normal(-1.0, 1.2, count))
        found = best.among_normal(mean[None], width[None], np.ones((1, count), dtype=bool))[0]
        drawn = frequencies(rng.normal(mean, width, size=(DRAWS, count)))
        assert np.abs(found - drawn).max() < 0.01


def test_two_normals_have_a_formula():
    mean, width = np.array([[0.3, 0.0]]), np.array([[0.5, 1.2]])
    found = best.among_normal(mean, width, np.ones((1, 2), dtype=bool))[0, 0]
    assert found == pytest.approx(ndtr(0.3 / 1.3), abs=0.003)


@pytest.mark.parametrize("size", [5, 300, 100_000])
def test_shares(size):
    rng = np.random.default_rng(size)
    wins, losses = 1.0 + 0.1 * size * rng.random(8), 1.0 + size * rng.random(8)
    found = best.among_beta(wins, losses, np.ones((1, 8), dtype=bool))[0]
    assert np.abs(found - frequencies(rng.beta(wins, losses, (DRAWS, 8)))).max() < 0.01


def test_two_shares_have_a_formula():
    """Of Beta(1, 1) and Beta(2, 1) the second is larger with a chance of 2/3."""
    found = best.among_beta(np.array([1.0, 2.0]), np.ones(2), np.ones((1, 2), dtype=bool))
    assert found[0, 1] == pytest.approx(2.0 / 3.0, abs=0.005)


def test_what_is_not_eligible_takes_no_part():
    mean, width = np.array([[9.0, 1.0, 1.0]]), np.ones((1, 3))
    found = best.among_normal(mean, width, np.array([[False, True, True]]))
    assert np.allclose(found, [[0.0, 0.5, 0.5]])


def test_equal_certainties_share():
    found = best.among_normal(np.zeros((1, 4)), np.full((1, 4), 1e-9), np.ones((1, 4), dtype=bool))
    assert np.allclose(found, 0.25)


def test_one_far_above_is_certain():
    found = best.among_normal(np.array([[50.0, 0.0]]), np.ones((1, 2)), np.ones((1, 2), dtype=bool))
    assert found.tolist() == [[1.0, 0.0]]
