"""Rows become cells honestly."""

import numpy as np
import pytest

from recommendations.ml.interactions import Interactions, looks_like_ratings


def cells(rows, columns, values, days=None, shape=(2, 3), **options):
    days = None if days is None else np.array(days, float)
    return Interactions.from_rows(
        (np.array(rows, int), np.array(columns, int)),
        np.array(values, float),
        days,
        shape=shape,
        **options,
    )


def test_strengths_of_one_cell_add_up_and_keep_the_last_moment():
    data = cells([0, 0], [1, 1], [1, 2], [5, 3])
    assert data.values[0, 1] == 3.0
    assert data.days.tolist() == [5.0]


def test_of_several_ratings_the_last_counts():
    data = cells([0, 0], [1, 1], [5, 2], [1, 9], explicit=True)
    assert data.values[0, 1] == 2.0


def test_what_was_sent_back_is_no_interaction():
    assert cells([0, 0], [1, 1], [2, -2], [1, 2]).values.nnz == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueError, match="finite"):
        cells([0], [0], [value])


def test_no_rows_are_an_empty_table():
    data = Interactions.from_rows(
        (np.zeros(0, int), np.zeros(0, int)), np.zeros(0), None, shape=(0, 0)
    )
    assert data.shape == (0, 0)


def test_rows_are_taken_with_their_days():
    data = cells([0, 0, 1], [0, 2, 1], [1, 1, 1], [1, 2, 3])
    taken = data.take([1, 0])
    assert taken.days.tolist() == [3.0, 1.0, 2.0]
    assert taken.today == data.today


def test_a_weight_is_halved_every_half_life():
    data = cells([0, 0], [0, 1], [1, 1], [0, 10])
    assert data.weights(half_life=10.0).toarray()[0].tolist() == [0.5, 1.0, 0.0]


class TestFading:
    def test_every_later_choice_of_the_same_customer_fades_a_choice(self):
        data = cells([0, 0, 0, 1], [0, 1, 2, 0], [1, 1, 1, 1], [3, 1, 2, 9])
        assert data.made_later().tolist() == [0.0, 2.0, 1.0, 0.0]
        assert np.allclose(data.weights(fading=0.5).toarray(), [[1, 0.25, 0.5], [1, 0, 0]])

    def test_choices_of_one_moment_fade_alike_whatever_their_order(self):
        data = cells([0, 0, 0], [0, 1, 2], [1, 1, 1], [5, 5, 4])
        assert data.made_later().tolist() == [0.0, 0.0, 2.0]

    def test_it_counts_as_plain_python_does(self):
        rng = np.random.default_rng(0)
        days = rng.integers(0, 6, 60)
        data = cells(rng.integers(0, 5, 60), rng.integers(0, 12, 60), np.ones(60), days, (5, 12))
        row = np.repeat(np.arange(5), np.diff(data.values.indptr))
        slow = [sum(data.days[row == r] > d) for r, d in zip(row, data.days, strict=True)]
        assert data.made_later().tolist() == slow

    def test_without_times_nothing_fades_and_the_oldest_never_wholly(self):
        assert cells([0, 0], [0, 1], [1, 1]).weights(fading=0.5).sum() == 2.0
        long = cells([0] * 50, range(50), [1] * 50, range(50), (1, 50))
        assert long.weights(fading=0.5).data.min() == 0.1

    def test_nobody_has_nothing_to_fade(self):
        assert cells([], [], []).made_later().tolist() == []


def test_a_time_in_the_future_weighs_no_more_than_now():
    data = Interactions(cells([0], [0], [1], [10]).values, np.array([10.0]), 5.0)
    assert data.weights(half_life=1.0).max() == 1.0


@pytest.mark.parametrize(
    ("values", "ratings"),
    [
        ([5, 4, 3, 4, 5], True),
        ([0.5, 4.5, 4, 3.5], True),
        ([1, 1, 1], False),
        ([1, 1, 2, 1, 12], False),
        ([1, 2, 144, 3], False),
        ([-1, 4, 5], False),
    ],
)
def test_ratings_are_told_from_counts(values, ratings):
    assert looks_like_ratings(np.array(values, float)) is ratings
