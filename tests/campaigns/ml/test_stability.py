"""The index is nothing by luck, and large where numbers moved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.ml.stability import SHIFTED, index


def test_the_same_distribution_is_stable():
    rng = np.random.default_rng(0)
    seen = [index(rng.normal(size=800), rng.normal(size=300)) for _ in range(200)]
    assert np.mean(seen) < 0.02
    assert max(seen) < SHIFTED


def test_a_shift_of_a_deviation_is_an_alarm():
    rng = np.random.default_rng(0)
    assert index(rng.normal(size=800), rng.normal(1.0, size=300)) > SHIFTED


def test_a_share_that_doubled_is_an_alarm():
    rng = np.random.default_rng(0)
    before, now = rng.random(1_000) < 0.3, rng.random(1_000) < 0.7
    assert index(before.astype(float), now.astype(float)) > SHIFTED


def test_what_was_always_the_same_number_and_is_another_now_is_an_alarm():
    assert index(np.zeros(500), np.ones(500)) > SHIFTED
    assert index(np.zeros(500), np.zeros(300)) == 0.0


def test_with_nothing_to_compare_it_says_so():
    with pytest.raises(ValueError, match="nothing"):
        index(np.array([]), np.ones(3))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_it_is_never_below_zero_and_zero_for_the_same_numbers(values):
    values = np.array(values)
    assert index(values, values) == 0.0
    assert index(values, values[: max(len(values) // 2, 1)]) >= 0.0
