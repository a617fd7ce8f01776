import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.ml.evaluation import beats, split_by_time


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=60),
    st.floats(0.05, 0.95),
)
def test_nothing_fitted_is_later_than_anything_evaluated(times, share):
    times = np.array(times)
    earlier, later = split_by_time(times, share=share)
    assert sorted([*earlier, *later]) == list(range(len(times)))
    if len(earlier):
        assert times[earlier].max() < times[later].min()


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_is_between_nothing_and_all(share):
    with pytest.raises(ValueError, match="share"):
        split_by_time(np.arange(3), share=share)


def test_a_tie_with_the_baseline_is_no_improvement():
    verdict = beats({"m": 0.5}, {"m": 0.5}, None, metric="m")
    assert not verdict.promote
    assert "baseline" in verdict.reason


def test_as_good_as_the_champion_on_newer_data_is_good_enough():
    assert beats({"m": 0.5}, {"m": 0.1}, {"m": 0.5}, metric="m").promote
