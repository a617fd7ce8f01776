"""Features: what had happened by a moment and nothing later, the same alone and in a crowd."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import translation

from crm import features
from crm.models import Customer, Event, Feedback, Order
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
LONG_BEFORE = NOON - timedelta(days=400)


def days(number):
    return NOON - timedelta(days=number)


def happen(customer, kind="crm.product_viewed", *, at=NOON):
    return Event.objects.create(
        customer=customer,
        kind=kind,
        source="test",
        data={},
        happened_at=at,
        received_at=at,
        message_id=f"{customer.pk}-{kind}-{at.timestamp()}",
    )


def of(customer, name, *, as_of=NOON):
    table = features.build(Customer.objects.filter(pk=customer.pk), as_of=as_of)
    return table.column(name)[0]


@pytest.fixture
def ada():
    person = make_customer(at=LONG_BEFORE)
    product = make_product(price=100)
    for day in (300, 100, 40):
        make_order(person, product, at=days(day))
    return person


class TestOrders:
    def test_counts_pauses_and_money_are_those_of_the_orders(self, ada):
        assert of(ada, "orders") == 3
        assert (of(ada, "orders_30"), of(ada, "orders_90"), of(ada, "orders_365")) == (0, 1, 3)
        assert of(ada, "orders_trend") == 0
        assert of(ada, "spend") == 300
        assert of(ada, "order_value") == 100
        assert of(ada, "days_since_order") == 40
        assert of(ada, "days_between_orders") == 130
        assert of(ada, "silence") == pytest.approx(40 / 130)
        assert of(ada, "tenure") == 400

    def test_nothing_later_than_the_moment_is_seen(self, ada):
        at = days(200)
        before = features.build(Customer.objects.all(), as_of=at).matrix
        make_order(ada, make_product(price=9999), at=days(150))
        happen(ada, at=days(199))
        Feedback.objects.create(customer=ada, kind="rating", score=1, source="t", key="1", at=NOON)
        assert np.array_equal(
            features.build(Customer.objects.all(), as_of=at).matrix, before, equal_nan=True
        )

    def test_an_order_of_the_future_is_not_seen_today(self, ada):
        make_order(ada, make_product(), at=NOON + timedelta(days=3))
        assert of(ada, "orders") == 3

    def test_who_never_ordered_has_counts_of_zero_and_no_pause(self):
        nobody = make_customer()
        assert of(nobody, "orders") == of(nobody, "spend") == 0
        assert np.isnan(of(nobody, "days_since_order"))
        assert np.isnan(of(nobody, "order_value"))

    def test_one_order_has_no_pause(self):
        once = make_customer()
        make_order(once, make_product(price=5), at=days(9))
        assert np.isnan(of(once, "days_between_orders"))
        assert of(once, "days_since_order") == 9

    def test_refunds_and_free_orders_are_no_money(self, ada):
        make_order(ada, make_product(price=0), at=days(1))
        Order.objects.create(
            number="R1", customer=ada, is_refund=True, total=-50, placed_at=days(2), source="t"
        )
        assert of(ada, "spend") == 300
        assert of(ada, "refunds") == 1
        assert of(ada, "orders") == 4

    def test_money_of_another_currency_is_never_added(self, ada):
        Order.objects.create(
            number="U1", customer=ada, total=7000, currency="USD", placed_at=days(2), source="t"
        )
        table = features.build(Customer.objects.all(), as_of=NOON)
        assert table.column("spend")[0] == 300
        assert table.column("orders")[0] == 4
        assert table.left_out == 1


class TestEventsAndFeedback:
    def test_events_are_counted_by_kind_and_window(self, ada):
        happen(ada, at=days(5))
        happen(ada, at=days(60))
        happen(ada, at=days(120))
        happen(ada, "chatbot.message_received", at=days(3))
        assert (of(ada, "views_30"), of(ada, "views_90")) == (1, 2)
        assert of(ada, "chats_30") == 1
        assert of(ada, "days_since_event") == 3

    def test_ratings_are_averaged_and_none_is_unknown(self, ada):
        assert np.isnan(of(ada, "rating"))
        for number, score in enumerate((2, 4)):
            Feedback.objects.create(
                customer=ada, kind="rating", score=score, source="t", key=str(number), at=days(2)
            )
        assert (of(ada, "ratings"), of(ada, "rating")) == (2, 3)


class TestManyCustomers:
    def test_chunks_are_the_whole_in_order(self, ada, monkeypatch):
        for number in range(7):
            make_order(make_customer(f"N{number}"), make_product(), at=days(number + 1))
        monkeypatch.setattr(features, "AT_ONCE", 3)
        everybody = Customer.objects.active()
        whole = features.build(everybody, as_of=NOON)
        parts = list(features.chunks(everybody, as_of=NOON))
        assert [len(part.ids) for part in parts] == [3, 3, 2]
        assert np.array_equal(np.concatenate([part.ids for part in parts]), whole.ids)
        stacked = np.vstack([part.matrix for part in parts])
        assert np.array_equal(stacked, whole.matrix, equal_nan=True)

    def test_the_number_of_queries_does_not_grow(self, ada, django_assert_num_queries):
        with django_assert_num_queries(7):
            features.build(Customer.objects.all(), as_of=NOON)
        for number in range(5):
            make_order(make_customer(f"N{number}"), make_product())
        with django_assert_num_queries(7):
            features.build(Customer.objects.all(), as_of=NOON)

    def test_nobody_is_an_empty_table(self):
        table = features.build(Customer.objects.none(), as_of=NOON)
        assert table.matrix.shape == (0, len(features.NAMES))
        assert list(features.chunks(Customer.objects.none(), as_of=NOON)) == []


class TestWords:
    def test_every_feature_can_be_said(self):
        assert all(features.said(name, 12.0) for name in features.NAMES)

    def test_in_the_language_of_the_reader(self):
        with translation.override("zh-hans"):
            chinese = features.said("days_since_order", 12.0)
        assert "12" in chinese
        assert features.said("spend", 1234.5) == "spent 1,234 so far"
        assert "rating" in features.said("rating", None)


@pytest.mark.parametrize(
    ("value", "said"),
    [(1204.4, "1,204"), (37.2, "37"), (10.0, "10"), (2.74, "2.7"), (2.0, "2"), (0.0892, "0.09"), (0.0, "0")],
)  # fmt: skip
def test_a_number_has_as_many_digits_as_anybody_would_say(value, said):
    assert features.said("orders", value) == f"{said} orders so far"
