"""Staff see what we would show, and the trail of what was shown."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from crm import portrait
from recommendations import panel, serving
from tests.factories import NOON, make_category, make_customer, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    user = get_user_model().objects.create_superuser("staff", "staff@example.org", "x")
    client.force_login(user)
    return client


def show(customer, *, times=1):
    for _ in range(times):
        listed = serving.recommend(customer, n=3, now=NOON)
        serving.record_impressions(customer, listed, placement="home", now=NOON)


def test_the_list_of_impressions_has_a_fixed_number_of_queries(
    staff, django_assert_max_num_queries
):
    for number in range(3):
        make_product(f"P{number}", category=make_category())
    for number in range(5):
        show(make_customer(f"C{number}"))
    with django_assert_max_num_queries(8):
        page = staff.get(reverse("admin:recommendations_impression_changelist"))
    assert page.status_code == 200
    assert "home page" in page.content.decode()  # the placement in words


def test_impressions_cannot_be_changed(staff):
    make_product()
    ada = make_customer()
    show(ada)
    impression = ada.impressions.get()
    assert staff.get(reverse("admin:recommendations_impression_add")).status_code == 403
    page = reverse("admin:recommendations_impression_delete", args=[impression.pk])
    assert staff.post(page, {"post": "yes"}).status_code == 403


def test_the_customer_page_says_what_we_would_show_and_why(django_assert_max_num_queries):
    make_product("P1", title_en="Teapot")
    with django_assert_max_num_queries(15):
        shown = panel.build(make_customer())
        list(shown["clicks"])
    assert [one["line"].product.title_en for one in shown["lines"]] == ["Teapot"]
    assert shown["lines"][0]["reason"]


def test_the_panel_is_on_the_customer_page(staff):
    make_product("P1", title_en="Teapot")
    ada = make_customer()
    assert "recommendations" in [part.get("name") for part in portrait.of(ada)]
    page = staff.get(reverse("admin:crm_customer_panel", args=[ada.pk, "recommendations"]))
    assert "Teapot" in page.content.decode()
