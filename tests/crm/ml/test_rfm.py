"""RFM: stable scores, the usual labels, sane answers to odd orders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.ml import rfm


def of(orders, *, today=100, count=None):
    """Values of (customer, day, amount) orders."""
    table = np.array(orders, dtype=float).reshape(-1, 3)
    customers = table[:, 0].astype(int)
    count = count or int(customers.max(initial=-1)) + 1
    return rfm.values(customers, table[:, 1].astype(int), table[:, 2], today=today, count=count)


class TestValues:
    def test_two_orders_of_one_day_are_one_purchase_day(self):
        values = of([(0, 90, 10), (0, 90, 5), (0, 95, 1)])
        assert (values.recency[0], values.frequency[0], values.monetary[0]) == (5, 2, 16.0)

    def test_a_refund_takes_money_and_is_no_purchase(self):
        values = of([(0, 50, 10), (0, 99, -4)])
        assert (values.recency[0], values.frequency[0], values.monetary[0]) == (50, 1, 6.0)

    def test_who_only_sent_back_bought_nothing(self):
        values = of([(0, 50, -10)])
        assert (values.recency[0], values.frequency[0]) == (-1, 0)

    def test_an_order_of_today_is_no_day_ago(self):
        assert of([(0, 100, 1)]).recency[0] == 0

    def test_the_order_of_rows_does_not_matter(self):
        orders = [(0, 10, 5), (1, 20, 6), (0, 30, 7), (1, 5, 8)]
        forwards, backwards = of(orders), of(orders[::-1])
        for name in ("recency", "frequency", "monetary"):
            assert np.array_equal(getattr(forwards, name), getattr(backwards, name))

    @given(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 100), st.integers(-50, 50)), max_size=60
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_a_calendar_too_large_for_memory_gives_the_same_values(self, orders):
        with pytest.MonkeyPatch.context() as patch:
            by_calendar = of(orders, count=6)
            patch.setattr(rfm, "CALENDAR", 0)
            by_sorting = of(orders, count=6)
        for name in ("recency", "frequency", "monetary"):
            assert np.array_equal(getattr(by_calendar, name), getattr(by_sorting, name))

    @pytest.mark.parametrize("calendar", [0, rfm.CALENDAR])
    def test_how_many_orders_are_looked_at_together_does_not_matter(self, monkeypatch, calendar):
        rng = np.random.default_rng(8)
        columns = (rng.integers(0, 9, 200), rng.integers(0, 400, 200), rng.integers(-30, 90, 200))
        monkeypatch.setattr(rfm, "CALENDAR", calendar)
        whole = of(list(zip(*columns, strict=True)), today=400, count=9)
        for size in (1, 7, 199, 200):
            monkeypatch.setattr(rfm, "PART", size)
            parts = of(list(zip(*columns, strict=True)), today=400, count=9)
            for name in ("recency", "frequency", "monetary"):
                assert np.array_equal(getattr(whole, name), getattr(parts, name))

    def test_no_orders_are_no_values(self):
        assert len(of([]).recency) == 0


class TestQuintiles:
    def test_distinct_values_fall_into_five_equal_parts(self):
        scores = rfm.quintiles(np.arange(100))
        assert np.bincount(scores).tolist() == [0, 20, 20, 20, 20, 20]
        assert scores[-1] == 5

    def test_equal_values_get_equal_scores_whatever_their_order(self):
        values = np.array([1, 1, 1, 2, 5, 1, 1, 9])
        scores = rfm.quintiles(values)
        assert len(set(scores[values == 1])) == 1
        shuffled = np.random.default_rng(0).permutation(len(values))
        assert np.array_equal(rfm.quintiles(values[shuffled]), scores[shuffled])

    def test_more_never_scores_less(self):
        values = np.sort(np.random.default_rng(1).poisson(2, 500))
        assert np.all(np.diff(rfm.quintiles(values)) >= 0)

    @given(st.lists(st.integers(-20, 20), min_size=1, max_size=80))
    def test_the_cut_points_are_the_quantiles_without_making_up_values(self, column):
        values = np.array(column)
        quantiles = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
        assert np.array_equal(rfm.quintiles(values), 1 + np.searchsorted(quantiles, values))

    def test_all_equal_and_empty_columns_are_fine(self):
        assert set(rfm.quintiles(np.ones(7))) == {1}
        assert len(rfm.quintiles(np.zeros(0))) == 0


class TestScore:
    def customers(self):
        rng = np.random.default_rng(0)
        return rfm.Values(
            rng.integers(0, 365, 3000), rng.poisson(3, 3000) + 1, rng.gamma(2, 50, 3000)
        )

    def test_every_label_can_be_had(self):
        assert set(rfm.score(self.customers()).label) == set(range(11))

    def test_lately_often_and_much_is_a_champion_and_the_contrary_is_lost(self):
        values = self.customers()
        values = rfm.Values(
            np.append(values.recency, [0, 364]),
            np.append(values.frequency, [99, 1]),
            np.append(values.monetary, [9999, 0.01]),
        )
        labels = [rfm.SLUGS[label] for label in rfm.score(values).label[-2:]]
        assert labels == ["champions", "lost"]

    def test_a_fresh_first_small_order_is_new(self):
        values = self.customers()
        scores = rfm.score(values)
        found = (scores.r == 5) & (scores.f == 1) & (scores.m == 1)
        assert {rfm.SLUGS[label] for label in scores.label[found]} == {"new"}

    def test_the_score_is_the_mean_of_the_three(self):
        scores = rfm.score(self.customers())
        assert np.allclose(scores.score, (scores.r + scores.f + scores.m) / 3, atol=0.005)

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_hardly_any_customers_are_scored_too(self, count):
        values = rfm.Values(*(np.arange(float(count)) for _ in range(3)))
        assert len(rfm.score(values).label) == count


def test_there_are_eleven_labels_named_in_both_languages():
    assert len(rfm.LABELS) == len(set(rfm.SLUGS)) == 11
    for label in rfm.LABELS:
        assert label.name_en
        assert label.name_zh
        assert label.description_en
        assert label.description_zh
        assert label.name_en.isascii()
