"""Columns of any table become numbers, and what cannot be learned from is named."""

import numpy as np
import pytest

from crm.ml.columns import Columns, as_numbers


def table(count=200, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "age": rng.integers(18, 80, count).astype(str),
        "city": rng.choice(["Paris", "上海", "Oslo"], count),
    }


def labels(count=200, seed=1):
    return np.random.default_rng(seed).integers(0, 2, count)


class TestNumbers:
    def test_blanks_and_endless_numbers_are_nan_and_commas_are_read(self):
        found = as_numbers(np.array(["1,234.5", "", "inf", " 7 ", "N/A"]))
        assert np.array_equal(found, [1234.5, np.nan, np.nan, 7, np.nan], equal_nan=True)

    def test_a_column_with_a_few_words_among_numbers_stays_numeric(self):
        values = np.array(["5"] * 60 + ["6"] * 60 + ["unknown"])
        columns = Columns().fit({"x": values}, labels(121))
        assert columns.columns[0].is_numeric
        assert np.isnan(columns.matrix({"x": values})[-1, 0])


class TestCategories:
    def test_levels_are_numbered_by_how_often_the_target_is_true(self):
        city = np.array(["low"] * 50 + ["high"] * 50)
        target = np.r_[np.zeros(45), np.ones(5), np.zeros(5), np.ones(45)].astype(int)
        matrix = Columns().fit({"city": city}, target).matrix({"city": np.array(["low", "high"])})
        assert matrix[0, 0] < matrix[1, 0]

    def test_unseen_and_rare_levels_share_one_number(self):
        city = np.array(["a"] * 50 + ["b"] * 50 + ["once"])
        columns = Columns().fit({"city": city}, labels(101))
        found = columns.matrix({"city": np.array(["once", "never seen", "a"])})[:, 0]
        assert found[0] == found[1] != found[2]

    def test_blank_is_a_level_of_its_own_where_it_is_common(self):
        city = np.array(["a"] * 50 + [""] * 50)
        columns = Columns().fit({"city": city}, labels(100))
        found = columns.matrix({"city": np.array(["", "a"])})[:, 0]
        assert found[0] != found[1]

    def test_many_levels_are_cut_to_those_with_enough_rows(self):
        rng = np.random.default_rng(0)
        city = np.array([f"c{n}" for n in rng.integers(0, 900, 3000)] + ["big"] * 100)
        column = Columns().fit({"city": city}, labels(3100)).columns[0]
        assert column.levels == ("\0other", "big") or column.levels == ("big", "\0other")


class TestWhatIsLeftOut:
    @pytest.mark.parametrize(
        ("values", "why"),
        [
            (["same"] * 100, "the same in every row"),
            (["4"] * 100, "the same in every row"),
            ([""] * 100, "blank in every row"),
            ([f"id-{n}" for n in range(100)], "identifier"),
            ([f"word{n // 2}" for n in range(100)], "no text in it comes"),
        ],
    )
    def test_a_column_without_use_is_named_with_the_reason(self, values, why):
        columns = Columns().fit({"x": np.array(values), **table(100)}, labels(100))
        assert why in columns.left_out["x"]
        assert columns.names == ["age", "city"]


def test_columns_survive_being_stored():
    columns = Columns().fit(table(), labels())
    again = Columns.from_settings(columns.settings())
    assert np.array_equal(again.matrix(table(seed=5)), columns.matrix(table(seed=5)))
