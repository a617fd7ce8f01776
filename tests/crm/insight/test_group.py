"""What the page of a segment shows of its members."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crm import scores
from crm.insight.group import panel
from crm.models import Membership, Segment
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def segment():
    segment = Segment.objects.create(slug="s", kind="static", name_en="Some", size=3)
    phone = make_product()
    for number in range(9):
        customer = make_customer(f"Ada{number}", country="France" if number < 3 else "Spain")
        make_order(customer, phone, at=NOON)
        if number < 3:
            Membership.objects.create(segment=segment, customer=customer, entered_at=NOON)
    scores.refresh_rfm(as_of=NOON, now=NOON)
    return segment


def test_it_is_about_the_members_alone(segment):
    shown = panel(segment, NOON)
    assert sum(cell.customers for row in shown["grid"] for cell in row) == 3
    assert [cohort.size for cohort in shown["cohorts"]] == [3]
    country = next(one for one in shown["makeup"] if one.title == "Country")
    assert [(part.name, part.share, part.times) for part in country.parts] == [("France", 1, 3)]


def test_months_that_nobody_has_lived_have_no_column(segment):
    assert list(panel(segment, NOON)["months"]) == []
    later = NOON + timedelta(days=75)  # two months later, the first of them over
    make_order(make_customer("Bob"), make_product(), at=later)
    assert list(panel(segment, later)["months"]) == [1]


def test_a_segment_without_members_is_shown_too(segment):
    Membership.objects.all().delete()
    shown = panel(segment, NOON)
    assert (shown["makeup"], shown["grid"], shown["cohorts"]) == ([], [], [])


def test_the_number_of_queries_is_fixed(segment, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        panel(segment, NOON)


@pytest.mark.parametrize(("language", "word"), [("en", "France"), ("zh-hans", "对比")])
def test_staff_see_it_in_their_language(admin_client, segment, language, word):
    admin_client.cookies["django_language"] = language
    page = admin_client.get(reverse("admin:crm_segment_panel", args=[segment.pk, "insight"]))
    assert word in page.content.decode()
