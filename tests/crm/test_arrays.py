"""Rows of numbers as arrays, the same as objects would have told."""

from datetime import timedelta

import numpy as np
import pytest

from crm import arrays, scores
from crm.models import Order
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders():
    rng = np.random.default_rng(3)
    people = [make_customer(f"R{number}") for number in range(7)]
    return Order.objects.bulk_create(
        Order(
            number=f"R{number}",
            customer=people[int(rng.integers(6))],  # the last one never buys
            total=round(float(rng.normal(20, 30)), 2),
            status="cancelled" if number % 9 == 0 else "delivered",
            currency="USD" if number % 7 == 0 else "CNY",
            placed_at=NOON - timedelta(hours=float(rng.random() * 2000)),
            source="test",
        )
        for number in range(60)
    )


class TestTables:
    @pytest.mark.parametrize("at_once", [7, 60, 1000])
    def test_every_row_comes_once_whatever_comes_at_once(self, orders, monkeypatch, at_once):
        monkeypatch.setattr(arrays, "ROWS", at_once)
        rows = Order.objects.order_by("pk").values_list("pk", "customer_id")
        parts = list(arrays.tables(rows, ("i8", "i8")))
        assert max(map(len, parts)) <= at_once
        assert np.concatenate(parts).tolist() == list(rows)

    def test_no_rows_are_no_arrays(self):
        assert list(arrays.tables(Order.objects.values_list("pk"), ("i8",))) == []


class TestPurchases:
    def test_they_are_those_of_the_orders_that_count(self, orders):
        as_of = NOON - timedelta(days=20)
        bought = scores.purchases(as_of=as_of)
        counted = [
            order for order in orders
            if order.placed_at <= as_of and order.status != "cancelled" and order.currency == "CNY"
        ]  # fmt: skip
        first = min(order.placed_at.date() for order in counted)
        told = sorted(
            (order.customer_id, (order.placed_at.date() - first).days, order.total)
            for order in counted
        )
        found = zip(
            bought.ids[bought.customers].tolist(), bought.days.tolist(), bought.amounts.tolist(),
            strict=True,
        )  # fmt: skip
        for one, other in zip(sorted(found), told, strict=True):
            assert one == pytest.approx(other)
        assert bought.today == (as_of.date() - first).days
        assert bought.ids.tolist() == sorted({order.customer_id for order in counted})

    def test_an_empty_shop(self):
        bought = scores.purchases(as_of=NOON)
        assert (len(bought.ids), len(bought.days), bought.today) == (0, 0, 0)
