"""The page that shows the customers as a whole, and the lists that it leads to."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.urls import reverse

from crm import scores
from crm.models import Score
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def scored_shop():
    phone = make_product()
    for number in range(12):
        customer = make_customer(f"Ada{number}")
        for _ in range(1 + number % 3):
            make_order(customer, phone, at=NOON)
    scores.refresh_rfm(as_of=NOON, now=NOON)


def page(client, language="en"):
    client.cookies["django_language"] = language
    return client.get(reverse("admin:crm_insight"))


def test_an_empty_shop_is_told_what_to_do(admin_client):
    text = page(admin_client).content.decode()
    assert "Import orders, then run" in text
    assert "at least 50 buyers" in text.lower()


def test_it_draws_what_there_is(admin_client, scored_shop):
    shown = page(admin_client)
    assert len(shown.context["grid"]) == 5
    assert [cohort.size for cohort in shown.context["cohorts"]] == [12]


def test_it_speaks_chinese(admin_client, scored_shop):
    assert "谁会回来" in page(admin_client, "zh-hans").content.decode()


def test_it_costs_a_fixed_number_of_queries(
    admin_client, scored_shop, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12):
        page(admin_client)


def test_it_is_counted_once_for_everybody_who_looks(
    admin_client, scored_shop, django_assert_max_num_queries
):
    page(admin_client)
    with django_assert_max_num_queries(3):
        page(admin_client)


def test_who_may_not_see_customers_may_not_see_them_as_a_whole(client):
    user = User.objects.create_user("eve", is_staff=True)
    client.force_login(user)
    assert page(client).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_customer"))
    assert page(client).status_code == 200


def test_a_cell_of_the_grid_leads_to_its_customers(admin_client, scored_shop):
    score = Score.objects.filter(name="rfm").first()
    cell = f"{score.detail['r']}{score.detail['f']}"
    listed = admin_client.get(reverse("admin:crm_customer_changelist"), {"rfm": cell})
    found = {customer.pk for customer in listed.context["cl"].result_list}
    assert score.customer_id in found
    assert found == set(
        Score.objects.filter(
            name="rfm", detail__r=score.detail["r"], detail__f=score.detail["f"]
        ).values_list("customer", flat=True)
    )


def test_customers_are_found_by_their_label(admin_client, scored_shop):
    score = Score.objects.filter(name="rfm").first()
    listed = admin_client.get(reverse("admin:crm_customer_changelist"), {"rfm": score.label})
    labels = {customer.rfm for customer in listed.context["cl"].result_list}
    assert labels == {score.label}


def test_a_filter_nobody_knows_finds_nobody(admin_client, scored_shop):
    listed = admin_client.get(reverse("admin:crm_customer_changelist"), {"rfm": "’ or 1=1"})
    assert list(listed.context["cl"].result_list) == []
