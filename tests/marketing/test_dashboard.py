"""The numbers of the home page, and what they cost."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from crm import timeline
from crm.events import ProductViewed
from crm.models import Feedback, Order, Score
from marketing import dashboard
from tests.factories import make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_cached():
    cache.clear()


@pytest.fixture
def now():
    return timezone.now()


def test_an_empty_shop_has_a_home_page_that_says_what_to_do(admin_client):
    text = admin_client.get(reverse("admin:index")).content.decode()
    assert "manage.py train" in text
    assert reverse("admin:campaigns_campaign_add") in text


def test_the_home_page_costs_a_fixed_number_of_queries(
    admin_client, now, django_assert_max_num_queries
):
    for _ in range(12):
        make_order(make_customer(at=now), make_product(), at=now - DAY)
    with django_assert_max_num_queries(20):
        assert admin_client.get(reverse("admin:index")).status_code == 200


def test_it_speaks_chinese(admin_client):
    page = admin_client.get(reverse("admin:index"), headers={"Accept-Language": "zh-CN"})
    assert "转化率" in page.content.decode()


def test_a_shop_that_sold_nothing_lately_says_since_when(admin_client, now):
    make_order(make_customer(at=now), make_product(), at=now - 200 * DAY)
    page = admin_client.get(reverse("admin:index")).content.decode()
    assert "Nothing was sold in the last 90 days" in page
    assert dashboard.charts(dashboard.numbers(now))["revenue_chart"] == ""


def test_money_is_told_in_the_currency_of_the_shop(admin_client, now):
    order = make_order(make_customer(at=now), make_product(), at=now - 200 * DAY)
    Order.objects.filter(pk=order.pk).update(currency="GBP")
    assert "£0" in admin_client.get(reverse("admin:index")).content.decode()


def test_revenue_is_compared_with_the_month_before(now):
    ada = make_customer(at=now)
    make_order(ada, make_product(price=100), at=now - 40 * DAY)
    make_order(ada, make_product(price=150), at=now - 5 * DAY)
    make_order(ada, make_product(price=999), at=now - DAY, status="cancelled")
    make_order(ada, make_product(price=999), at=now - DAY, status="pending_payment")
    revenue = dashboard.numbers(now)["revenue"]
    assert (revenue["total"], revenue["change"], revenue["orders"]) == (150, 50.0, 1)


def test_conversion_is_of_those_who_looked(now):
    buyer, looker, other = (make_customer(at=now) for _ in range(3))
    for customer in (buyer, looker):
        timeline.record(customer, ProductViewed(sku="x"), at=now - DAY, key=str(customer.pk))
    for customer in (buyer, other):
        make_order(customer, make_product(), at=now - DAY)
    assert dashboard.numbers(now)["conversion"] == 50.0


def test_conversion_of_nobody_is_not_zero(now):
    assert dashboard.numbers(now)["conversion"] is None


def test_customer_value_is_the_model_where_there_is_one(now):
    ada = make_customer(at=now)
    make_order(ada, make_product(price=70), at=now - DAY)
    assert dashboard.numbers(now)["value"] == {"mean": 70, "is_modelled": False}
    Score.objects.create(customer=ada, name="clv", value=500, version="v", at=now)
    assert dashboard.numbers(now)["value"] == {"mean": 500, "is_modelled": True}


def test_satisfaction_keeps_stars_and_csat_apart(now):
    ada = make_customer(at=now)
    for number, (kind, score) in enumerate([("csat", 3), ("csat", 5), ("review", 2)]):
        Feedback.objects.create(
            customer=ada, kind=kind, score=score, source="t", key=str(number), at=now - DAY
        )
    satisfaction = dashboard.numbers(now)["satisfaction"]
    assert (satisfaction["csat"], satisfaction["stars"]) == (4, 2)


def test_without_a_holdout_there_is_no_return(now):
    assert dashboard.numbers(now)["roi"] is None


def test_every_day_has_its_place_in_the_chart(now):
    days = dashboard.numbers(now)["by_day"]
    assert len(days) == dashboard.DAYS
    assert days == sorted(days)
    assert days[-1][0] < now.date().isoformat(), "today is not over"
