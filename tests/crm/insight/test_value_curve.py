"""What one customer spent and what is expected of them."""

from datetime import timedelta

import numpy as np
import pytest

from crm import artifacts
from crm.insight.value_curve import STEPS, YEAR, curve
from crm.ml.blended import Blended
from crm.ml.lifetime import Summary
from crm.models import Order, Score
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=100)


@pytest.fixture
def ada():
    """One of two customers; the other ordered on the last day of the records."""
    make_order(make_customer("Bob"), make_product(), at=LATER)
    return make_customer()


def valued(customer, value=120.0, lower=60.0, upper=240.0, at=LATER):
    return Score.objects.create(
        customer=customer,
        name="clv",
        value=value,
        detail={"lower": lower, "upper": upper},
        version="t",
        at=at,
    )


def bought(customer, *days, price=10):
    product = make_product(price=price)
    for day in days:
        make_order(customer, product, at=NOON + timedelta(days=day))


def test_without_orders_there_is_no_curve(ada):
    assert curve(ada, valued(ada)) is None


def test_the_past_adds_up_and_ends_today(ada):
    bought(ada, 0, 30)
    past = curve(ada, valued(ada)).past
    assert [(point.day, point.money) for point in past] == [(0, 10), (30, 20), (100, 20)]


def test_the_expected_year_begins_where_the_past_ends_and_ends_at_the_score(ada):
    bought(ada, 0)
    expected = curve(ada, valued(ada)).expected
    assert (expected[0].day, expected[0].money) == (100, 10)
    assert len(expected) == STEPS + 1
    last = expected[-1]
    assert last.day == 100 + YEAR
    assert (last.lower, last.money, last.upper) == (70, 130, 250)


def test_it_never_goes_down_and_the_fan_holds_the_line(ada):
    bought(ada, 0, 10, 20)
    expected = curve(ada, valued(ada)).expected
    money = [point.money for point in expected]
    assert money == sorted(money)
    assert all(point.lower <= point.money <= point.upper for point in expected)


def test_without_an_estimator_money_comes_in_evenly(ada):
    bought(ada, 0)
    expected = curve(ada, valued(ada)).expected
    assert expected[STEPS // 2].money == pytest.approx(10 + 60)


def test_an_estimator_says_when_in_the_year_money_comes_in(ada):
    rng = np.random.default_rng(0)
    age = rng.integers(50, 400, 500)
    frequency = rng.poisson(2, 500)
    recency = np.where(frequency > 0, (age * rng.random(500)).astype(int), 0)
    fitted = Blended().fit(Summary(frequency, recency, age, np.where(frequency > 0, 10.0, 0.0)))
    artifact = artifacts.save(fitted, artifacts.Provenance(metrics={}), as_of=NOON, now=NOON)
    artifacts.promote(artifact, now=NOON, reason="test")
    bought(ada, 0, 40)
    expected = curve(ada, valued(ada)).expected
    halfway = expected[STEPS // 2].money - expected[0].money
    assert 60 < halfway < 120  # those who leave buy earlier in the year, not later


def test_refunds_take_from_what_was_spent(ada):
    bought(ada, 0, 30)
    Order.objects.filter(placed_at__gt=NOON).update(is_refund=True, total=-10)
    assert curve(ada, valued(ada)).past[-1].money == 0


def test_orders_after_the_score_are_not_seen(ada):
    bought(ada, 0, 200)
    assert len(curve(ada, valued(ada)).past) == 2


def test_silence_after_the_last_record_of_the_shop_is_not_drawn(ada):
    bought(ada, 0)
    found = curve(ada, valued(ada, at=LATER + timedelta(days=5000)))
    assert found.past[-1].day == 100
    assert found.now == LATER


def test_it_costs_three_queries(ada, django_assert_max_num_queries):
    bought(ada, *range(0, 60, 5))
    score = valued(ada)
    with django_assert_max_num_queries(3):
        curve(ada, score)
