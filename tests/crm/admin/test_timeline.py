"""The timeline on the customer page: filters, and older rows on demand."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from crm import timeline
from crm.events import ProductViewed
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    ada = make_customer()
    for number in range(35):
        timeline.record(ada, ProductViewed(sku=f"P{number:02}"), at=NOON, key=str(number))
    return ada


def ask(client, customer, **question):
    return client.get(reverse("admin:crm_customer_timeline", args=[customer.pk]), question)


def test_the_page_offers_filters_and_older_rows(admin_client, ada):
    text = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk])).content.decode()
    assert "group=chat" in text
    assert "before=" in text


def test_a_filter_answers_with_the_panel(admin_client, ada):
    text = ask(admin_client, ada, group="chat").content.decode()
    assert 'id="timeline"' in text
    assert "P01" not in text


def test_older_rows_come_without_the_panel(admin_client, ada):
    older = ask(admin_client, ada, group="").context["panel"]["older"]
    text = ask(admin_client, ada, before=older).content.decode()
    assert 'id="timeline"' not in text
    assert text.count("<li") == 5


@pytest.mark.parametrize("question", [{"group": "secrets"}])
def test_what_does_not_exist_is_not_found(admin_client, ada, question):
    assert ask(admin_client, ada, **question).status_code == 404


def test_a_mark_that_is_no_number_starts_anew(admin_client, ada):
    assert "P34" in ask(admin_client, ada, before="' or 1=1").content.decode()


def test_who_may_not_see_customers_may_not_see_what_they_did(client, ada):
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert ask(client, ada).status_code == 403


def test_what_a_sender_wrote_is_escaped(admin_client, ada):
    timeline.record(ada, ProductViewed(sku="<script>alert(1)</script>"), at=NOON, key="x")
    assert "<script>alert(1)" not in ask(admin_client, ada).content.decode()
