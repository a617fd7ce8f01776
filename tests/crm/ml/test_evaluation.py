import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.ml.evaluation import Gap, beats, split_by_time


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


class TestGaps:
    """Better by a point is not enough where a few customers decide."""

    RIVALS = ({"m": 0.1}, {"m": 0.5})

    def verdict(self, low, *, ours=0.51, name="champion"):
        return beats({"m": ours}, *self.RIVALS, metric="m", gaps={name: Gap(ours - 0.5, low, 0.1)})

    def test_a_loss_that_cannot_be_ruled_out_keeps_the_champion(self):
        verdict = self.verdict(-0.04)
        assert not verdict.promote
        assert "may be 0.0400 below the champion's 0.5000" in verdict.reason

    def test_a_small_loss_may_be(self):
        assert self.verdict(-0.02).promote

    def test_a_tie_goes_to_what_has_learned_from_newer_days(self):
        assert self.verdict(0.0, ours=0.5).promote

    def test_below_the_champion_is_below_however_wide_the_interval(self):
        assert not self.verdict(-0.01, ours=0.499).promote

    def test_the_baseline_must_not_be_lost_to_either(self):
        verdict = self.verdict(-0.01, name="baseline")
        assert not verdict.promote
        assert "the baseline's 0.1000" in verdict.reason

    def test_without_gaps_nothing_changes(self):
        assert beats({"m": 0.51}, *self.RIVALS, metric="m").promote
