from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.insight.cohorts import MONTHS, Cohort, cohorts, mean_retention
from crm.models import Customer, Order
from tests.factories import make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
JUNE = datetime(2026, 6, 15, tzinfo=UTC)


def at(month, day=10, year=2026):
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.fixture
def phone():
    """Somebody thought better of it lately: the records of the shop reach until then."""
    phone = make_product()
    make_order(make_customer(), phone, at=at(12, year=2026), status="cancelled")
    make_order(make_customer(), phone, at=JUNE, status="cancelled")
    return phone


def bought(phone, *moments, **fields):
    customer = make_customer()
    for moment in moments:
        make_order(customer, phone, at=moment, **fields)
    return customer


def test_without_orders_there_are_no_cohorts():
    assert cohorts(as_of=JUNE) == []


def test_customers_belong_to_the_month_of_their_first_order(phone):
    bought(phone, at(2), at(4))
    bought(phone, at(2))
    bought(phone, at(3))
    assert [(c.month, c.size) for c in cohorts(as_of=JUNE)] == [
        (date(2026, 2, 1), 2),
        (date(2026, 3, 1), 1),
    ]


def test_retention_is_the_share_that_bought_in_a_later_month(phone):
    bought(phone, at(2), at(4), at(4, 20))
    bought(phone, at(2))
    assert cohorts(as_of=JUNE)[0].retention[:4] == [1.0, 0.0, 0.5, 0.0]


def test_a_month_that_is_not_over_says_nothing_yet(phone):
    bought(phone, at(5), at(6))
    retention = cohorts(as_of=JUNE)[0].retention
    assert retention[0] == 1.0
    assert retention[1:] == [None] * MONTHS


def test_the_newest_month_is_a_cohort_with_a_size(phone):
    bought(phone, at(6))
    assert cohorts(as_of=JUNE)[0].retention[0] == 1.0


def test_orders_after_the_moment_are_not_seen(phone):
    bought(phone, at(2), at(4))
    assert cohorts(as_of=at(3))[0].retention[1:3] == [None, None]


@pytest.mark.parametrize("status", ["cancelled", "pending_payment"])
def test_orders_nobody_paid_do_not_count(phone, status):
    bought(phone, at(2), status=status)
    assert cohorts(as_of=JUNE) == []


def test_refunds_are_no_return(phone):
    customer = bought(phone, at(2), at(4))
    Order.objects.filter(customer=customer, placed_at=at(4)).update(is_refund=True)
    assert cohorts(as_of=JUNE)[0].retention[2] == 0.0


def test_a_year_turns_into_the_next(phone):
    bought(phone, at(12, year=2025), at(1))
    assert cohorts(as_of=JUNE)[0].retention[1] == 1.0


def test_it_can_look_at_some_customers_only(phone):
    mine, _ = bought(phone, at(2)), bought(phone, at(3))
    found = cohorts(as_of=JUNE, members=Customer.objects.filter(pk=mine.pk).values("pk"))
    assert [c.month.month for c in found] == [2]


def test_months_after_the_last_order_of_the_shop_say_nothing(phone):
    bought(phone, at(1), at(2))
    Order.objects.filter(status="cancelled").delete()
    bought(phone, at(3))
    assert cohorts(as_of=at(12))[0].retention[:4] == [1.0, 1.0, None, None]


def test_it_takes_two_queries(phone, django_assert_num_queries):
    for month in (1, 2, 3):
        bought(phone, at(month))
    with django_assert_num_queries(2):
        cohorts(as_of=JUNE)


def test_the_mean_weighs_cohorts_by_size_and_leaves_out_those_too_young():
    def cohort(size, second):
        return Cohort(date(2026, 1, 1), size, [1.0, second] + [None] * (MONTHS - 1))

    mean = mean_retention([cohort(10, 0.5), cohort(30, 0.1), cohort(60, None)])
    assert mean[0] == 1.0
    assert mean[1] == pytest.approx(0.2)
    assert mean[2] is None


@settings(max_examples=15, deadline=None)
@given(
    history=st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=6), min_size=1, max_size=6)
)
def test_it_agrees_with_counting_by_hand(history):
    Order.objects.all().delete()
    phone = make_product()
    make_order(make_customer(), phone, at=at(12), status="cancelled")
    for days in history:
        bought(phone, *(at(12, year=2025) + timedelta(days=day) for day in days))

    def month_of(day):
        return (at(12, year=2025) + timedelta(days=day)).date().replace(day=1)

    found = {c.month: c for c in cohorts(as_of=at(12))}
    for first, cohort in found.items():
        mine = [days for days in history if min(map(month_of, days)) == first]
        assert cohort.size == len(mine)
        later = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        back = sum(later in set(map(month_of, days)) for days in mine)
        assert cohort.retention[1] == pytest.approx(back / len(mine))
