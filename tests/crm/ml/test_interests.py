"""Interest that fades, and habits drawn towards everybody's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.ml import habits
from crm.ml.interests import DEEDS, strongest

VIEWED, BOUGHT = DEEDS.index("viewed"), DEEDS.index("bought")


def tags(rows, **how):
    columns = np.array(rows, dtype=float).reshape(-1, 4)
    whole = columns[:, :3].astype(int)
    how = {"half_life": 30.0, "most": 10} | how
    return strongest(whole[:, 0], whole[:, 1], whole[:, 2], columns[:, 3], **how)


def test_a_deed_weighs_half_after_a_half_life():
    found = tags([(1, 7, VIEWED, 0), (1, 8, VIEWED, 30), (1, 9, BOUGHT, 60)])
    assert dict(zip(found.tags.tolist(), found.weights.tolist(), strict=True)) == {
        7: pytest.approx(1.0),
        8: pytest.approx(0.5),
        9: pytest.approx(1.5),
    }


def test_only_the_heaviest_of_each_customer_are_kept():
    found = tags([(c, t, VIEWED, t) for c in (1, 2) for t in range(5)], most=2)
    assert found.customers.tolist() == [1, 1, 2, 2]
    assert found.tags.tolist() == [0, 1, 0, 1]


def test_deeds_are_counted_and_the_newest_is_known():
    found = tags([(1, 7, VIEWED, 3), (1, 7, VIEWED, 9), (1, 7, BOUGHT, 5)])
    assert found.counts[0, VIEWED] == 2
    assert found.counts[0, BOUGHT] == 1
    assert found.youngest[0] == 3


deeds = st.tuples(
    st.integers(1, 4), st.integers(0, 5), st.integers(0, len(DEEDS) - 1), st.floats(0, 180)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(deeds, min_size=1, max_size=60), st.randoms())
def test_order_does_not_matter_and_each_customer_stands_alone(rows, chance):
    whole = tags(rows)
    mixed = rows.copy()
    chance.shuffle(mixed)
    again = tags(mixed)
    for name in ("customers", "tags", "weights", "counts", "youngest"):
        assert np.array_equal(getattr(whole, name), getattr(again, name))
    for customer in {row[0] for row in rows}:
        alone = tags([row for row in rows if row[0] == customer])
        own = whole.customers == customer
        assert np.array_equal(whole.tags[own], alone.tags)
        assert np.array_equal(whole.weights[own], alone.weights)


class TestHabits:
    def test_who_did_nothing_is_like_everybody(self):
        counts = np.array([[0, 0, 0], [8, 1, 1], [6, 2, 2]])
        everybody = habits.population(counts)
        shares = habits.shrunk(counts, everybody, 5.0)
        assert np.allclose(shares[0], everybody)
        assert np.allclose(shares.sum(axis=1), 1)

    def test_much_evidence_outweighs_everybody(self):
        everybody = np.array([0.9, 0.1])
        shares = habits.shrunk(np.array([[0, 500], [0, 1]]), everybody, 10.0)
        assert shares[0, 1] > 0.9
        assert shares[1, 1] < 0.3

    def test_people_who_differ_are_drawn_less_than_people_who_are_alike(self):
        rng = np.random.default_rng(0)
        shares = np.array([0.5, 0.5])
        alike = rng.binomial(20, 0.5, size=300)
        apart = rng.binomial(20, rng.beta(0.3, 0.3, size=300))
        strengths = [habits.strength(np.stack([x, 20 - x], axis=1), shares) for x in (alike, apart)]
        assert strengths[0] > 20 * strengths[1]

    def test_nobody_at_all_is_no_error(self):
        empty = np.zeros((0, 24))
        assert np.allclose(habits.population(empty), 1 / 24)
        assert habits.strength(empty, habits.population(empty)) > 0

    def test_an_hour_lends_to_its_neighbours_round_midnight(self):
        counts = np.zeros((1, 24))
        counts[0, 23] = 10
        smooth = habits.smooth_hours(counts)
        assert smooth.sum() == pytest.approx(10)
        assert smooth[0].argmax() == 23
        assert smooth[0, 0] == pytest.approx(smooth[0, 22])
