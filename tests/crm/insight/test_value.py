import pytest

from crm.insight.value import tenths, worth
from crm.models import Customer, Score
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


def valued(*values):
    for value in values:
        Score.objects.create(
            customer=make_customer(),
            name="clv",
            value=value,
            detail={"lower": value / 2, "upper": value * 2},
            version="t",
            at=NOON,
        )


def test_without_values_there_are_no_tenths():
    assert tenths() == []


def test_the_most_valuable_stand_first():
    valued(*range(1, 21))
    found = tenths()
    assert [t.number for t in found] == list(range(1, 11))
    assert [t.customers for t in found] == [2] * 10
    assert found[0].value == 19.5
    assert found[-1].value == 1.5


def test_the_interval_is_the_mean_of_theirs():
    valued(*[10] * 10)
    assert (tenths()[0].lower, tenths()[0].upper) == (5.0, 20.0)


def test_what_is_held_grows_to_everything():
    valued(91, *[1] * 9)
    held = [t.held for t in tenths()]
    assert held[0] == pytest.approx(0.91)
    assert held == sorted(held)
    assert held[-1] == pytest.approx(1.0)


def test_nothing_to_come_is_no_division_by_nought():
    valued(0, 0, 0)
    assert [t.held for t in tenths()] == [0.0, 0.0, 0.0]


def test_fewer_than_ten_customers_make_fewer_parts():
    valued(3, 2, 1)
    assert [t.value for t in tenths()] == [3, 2, 1]


def test_it_can_look_at_some_customers_only():
    valued(1, 2)
    one = Customer.objects.order_by("pk").values("pk")[:1]
    assert [
        t.value
        for t in tenths(
            Customer.objects.filter(pk__in=list(one.values_list("pk", flat=True))).values("pk")
        )
    ] == [1]


def test_it_takes_one_query(django_assert_num_queries):
    valued(1, 2, 3)
    with django_assert_num_queries(1):
        tenths()


def test_a_group_is_worth_its_mean_beside_that_of_everybody():
    valued(10, 20, 60)
    poorest = list(Score.objects.order_by("value").values_list("customer", flat=True)[:2])
    found = worth(Customer.objects.filter(pk__in=poorest).values("pk"))
    assert (found.customers, found.mean, found.usual) == (2, 15.0, 30.0)


def test_a_group_without_values_is_worth_nothing_known():
    assert worth(Customer.objects.none().values("pk")).mean is None
