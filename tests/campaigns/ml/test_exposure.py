"""Shares by group: what is even, what is surely not, and what cannot be said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.ml.exposure import FEWEST, drawn_once, exposure


def town(**groups):
    """(group, exposed, value) of `name=(customers, exposed)`."""
    names, exposed = [], []
    for name, (size, hits) in groups.items():
        names += [name] * size
        exposed += [True] * hits + [False] * (size - hits)
    exposed = np.array(exposed)
    return np.array(names), exposed, exposed * 5.0


def test_one_group_that_surely_gets_less_is_uneven():
    seen = exposure(*town(zh=(400, 200), en=(400, 80)))
    assert seen.ratio == pytest.approx(0.4)
    assert seen.lower < 0.4 < seen.upper < 0.8
    assert seen.is_uneven
    assert seen.groups["zh"].value == pytest.approx(2.5)
    assert seen.groups["en"].lower < 0.2 < seen.groups["en"].upper


def test_what_may_be_luck_is_not():
    seen = exposure(*town(zh=(40, 20), en=(40, 14)))
    assert seen.ratio == pytest.approx(0.7)
    assert seen.upper > 0.8
    assert not seen.is_uneven


def test_small_groups_and_the_unknown_are_left_out():
    group, exposed, value = town(zh=(100, 50), fr=(FEWEST - 1, 0), none=(100, 0))
    group[group == "none"] = ""
    seen = exposure(group, exposed, value)
    assert set(seen.groups) == {"zh"}
    assert (seen.ratio, seen.upper, seen.is_uneven) == (None, None, False)


def test_where_nobody_gets_anything_there_is_nothing_to_compare():
    seen = exposure(*town(zh=(100, 0), en=(100, 0)))
    assert seen.ratio is None
    assert not seen.is_uneven


@given(
    hits=st.lists(st.integers(0, 200), min_size=2, max_size=4),
)
def test_the_interval_holds_the_ratio_and_order_does_not_matter(hits):
    groups = {f"g{n}": (200, hit) for n, hit in enumerate(hits)}
    seen = exposure(*town(**groups))
    again = exposure(*(column[::-1] for column in town(**groups)))
    assert (seen.ratio, seen.lower, seen.upper) == (again.ratio, again.lower, again.upper)
    if seen.ratio is not None:
        assert seen.lower - 1e-9 <= seen.ratio <= seen.upper + 1e-9


def test_even_groups_are_rarely_called_uneven():
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(400):
        sizes = {name: (100, int(rng.binomial(100, 0.4))) for name in ("a", "b", "c")}
        alarms += exposure(*town(**sizes)).is_uneven
    assert alarms <= 4


def test_actions_are_drawn_by_their_chances():
    chances = np.tile([0.2, 0.0, 0.8], (20_000, 1))
    drawn = drawn_once(chances, rng=np.random.default_rng(0))
    assert np.bincount(drawn, minlength=3) / 20_000 == pytest.approx([0.2, 0, 0.8], abs=0.02)
    sure = drawn_once(np.eye(4), rng=np.random.default_rng(0))
    assert sure.tolist() == [0, 1, 2, 3]
