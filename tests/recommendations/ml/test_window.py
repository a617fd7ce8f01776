"""The inner window is later than what it judges, and nothing of it is seen before."""

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions
from recommendations.ml.window import (
    asked_of,
    first_steps,
    hides_repeats,
    hold_back,
    newcomers,
    without,
)


def world(rows, columns, days, values=None, shape=None, **options):
    rows, columns = np.array(rows), np.array(columns)
    values = np.ones(len(rows)) if values is None else np.array(values, float)
    shape = shape or (rows.max() + 1, columns.max() + 1)
    return Interactions.from_rows(
        (rows, columns), values, np.array(days, float), shape=shape, **options
    )


def returning_customers():
    rng = np.random.default_rng(0)
    return world(rng.integers(0, 20, 600), rng.integers(0, 30, 600), rng.random(600) * 100)


def test_nothing_earlier_happened_at_or_after_the_cut():
    data = returning_customers()
    earlier, _ = hold_back(data)
    assert earlier.days.max() < np.quantile(data.log.days, 0.8) + 1e-9


def test_what_was_chosen_before_is_nothing_new():
    earlier, later = hold_back(returning_customers())
    assert later.multiply(earlier.touched()).nnz == 0


def test_with_repeats_it_counts_again():
    earlier, later = hold_back(returning_customers(), repeats=True)
    assert later.multiply(earlier.touched()).nnz > 0


def test_only_customers_with_an_earlier_history_are_judged():
    earlier, later = hold_back(returning_customers())
    judged = np.diff(later.indptr) > 0
    assert np.all(np.diff(earlier.values.indptr)[judged] > 0)


def test_visitors_who_never_return_are_cut_each_by_their_own_time():
    rows = np.repeat(np.arange(10), 10)
    days = rows * 100.0 + np.tile(np.arange(10), 10)
    earlier, later = hold_back(world(rows, np.tile(np.arange(10), 10), days))
    assert np.all(np.diff(later.indptr) == 2)
    assert np.all(later.indices.reshape(10, 2) == [8, 9])
    assert earlier.values.nnz == 80


def test_a_low_rating_is_no_wish():
    rows = np.zeros(5, int)
    data = world(rows, np.arange(5), np.arange(5), values=[5, 4, 5, 3, 1], explicit=True)
    _, later = hold_back(data)
    assert later.nnz == 0


def test_too_short_histories_stay_whole():
    earlier, later = hold_back(world([0, 0, 1], [0, 1, 2], [1, 2, 3]))
    assert later.nnz == 0
    assert earlier.values.nnz == 3


def test_without_times_and_rows_there_is_nothing_later():
    _, later = hold_back(Interactions(sparse.csr_matrix((2, 2)), np.zeros(0), 0.0))
    assert later.nnz == 0


class TestQuestions:
    def visitors(self):
        rows = np.repeat(np.arange(10), 10)
        days = rows * 100.0 + np.tile(np.arange(10), 10)
        return world(rows, np.tile(np.arange(10), 10), days)

    def test_visitors_are_also_asked_for_their_very_next_choice(self):
        earlier, (later, following) = asked_of(self.visitors())
        assert np.all(following.indices == 8)
        assert following.nnz == 10
        assert following.multiply(earlier.touched()).nnz == 0
        assert (later - following.multiply(later)).nnz == 10

    def test_customers_who_return_and_gaps_by_chance_are_one_question(self):
        assert len(asked_of(returning_customers())[1]) == 1
        assert len(asked_of(self.visitors(), by_chance=True)[1]) == 1


class TestNewcomers:
    def test_they_are_some_of_those_with_enough_to_ask_about(self):
        data = returning_customers()
        chosen = newcomers(data, rng=np.random.default_rng(0))
        assert len(chosen) == 3
        assert np.all(np.diff(data.values.indptr)[chosen] >= 8)

    def test_nothing_of_them_is_taught(self):
        data = returning_customers()
        left = without(data, np.array([2, 5]))
        assert left.values[2].nnz == left.values[5].nnz == 0
        assert left.values.nnz == data.values.nnz - data.values[[2, 5]].nnz

    def test_the_first_steps_are_the_first_and_the_rest_is_asked(self):
        data = world([0, 0, 0, 0, 1, 1], [3, 1, 2, 0, 1, 2], [1, 2, 3, 4, 2, 1])
        first, later = first_steps(data, 2)
        assert first.values[0].indices.tolist() == [1, 3]
        assert later[0].indices.tolist() == [0, 2]
        assert first.values[1].nnz == 2
        assert later[1].nnz == 0
        assert first.today == data.today

    def test_any_steps_are_as_many_and_keep_their_moments(self):
        data = returning_customers()
        some, rest = first_steps(data, 3, rng=np.random.default_rng(0))
        assert np.all(np.diff(some.values.indptr) == 3)
        assert some.values.nnz + rest.nnz == data.values.nnz
        first, _ = first_steps(data, 3)
        assert some.days.max() > first.days.max()

    def test_nobody_has_taken_a_step_before_the_first(self):
        first, later = first_steps(world([0, 0], [1, 0], [1, 2]), 0)
        assert first.values.nnz == 0
        assert later.nnz == 2


class TestHiddenRepeats:
    def shop(self, **options):
        rng = np.random.default_rng(0)
        cells = rng.permutation(20 * 30)[:300]
        return world(cells // 30, cells % 30, rng.random(300) * 100, **options)

    def test_a_shop_where_nobody_buys_twice_hides_something(self):
        assert hides_repeats(self.shop())

    def test_a_full_history_ratings_and_visitors_hide_nothing(self):
        assert not hides_repeats(returning_customers())
        assert not hides_repeats(self.shop(explicit=True))
        assert not hides_repeats(TestQuestions().visitors())
        assert not hides_repeats(Interactions(sparse.csr_matrix((2, 2)), np.zeros(0), 0.0))
