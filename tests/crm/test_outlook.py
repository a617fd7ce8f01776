"""What we expect of one customer, as staff see it."""

import pytest
from django.urls import reverse
from django.utils import translation

from crm import outlook
from crm.models import Score
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_customer()


def score(customer, name, value, **detail):
    return Score.objects.create(
        customer=customer, name=name, value=value, detail=detail, version=f"{name}#7", at=NOON
    )


REASONS = [["days_since_order", 80.0, 0.9], ["orders", 2.0, -0.45]]


def test_who_is_not_scored_has_no_gauges(ada):
    shown = outlook.panel(ada)
    assert shown["gauges"] == []
    assert shown["curve"] is None


def test_a_chance_comes_with_its_interval_its_maker_and_its_reasons(ada):
    score(ada, "churn_90", 0.7, lower=0.6, upper=0.8, reasons=REASONS)
    (gauge,) = outlook.panel(ada)["gauges"]
    assert (gauge.chance, gauge.lower, gauge.upper, gauge.version) == (0.7, 0.6, 0.8, "churn_90#7")
    assert [reason.weight for reason in gauge.reasons] == [100.0, -50.0]
    assert "80" in gauge.reasons[0].sentence


def test_reasons_speak_the_language_of_the_reader(ada):
    score(ada, "churn_90", 0.7, reasons=REASONS)
    said = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            said[language] = outlook.panel(ada)["gauges"][0].reasons[0].sentence
    assert said["en"] != said["zh-hans"]
    assert any("一" <= letter <= "鿿" for letter in said["zh-hans"])


def test_an_old_score_without_reasons_is_shown_all_the_same(ada):
    score(ada, "purchase_30", 0.2)
    (gauge,) = outlook.panel(ada)["gauges"]
    assert (gauge.lower, gauge.upper, gauge.reasons) == (0.2, 0.2, [])


def test_gauges_stand_in_a_fixed_order(ada):
    for name in ("churn_90", "purchase_30", "churn_30"):
        score(ada, name, 0.5)
    assert [gauge.version for gauge in outlook.panel(ada)["gauges"]] == [
        "purchase_30#7",
        "churn_30#7",
        "churn_90#7",
    ]


def test_value_to_come_is_drawn(ada):
    make_order(ada, make_product(price=50), at=NOON)
    score(ada, "clv", 100.0, lower=20.0, upper=300.0)
    drawn = outlook.panel(ada)["curve"]
    assert drawn["spent"] == 50
    assert drawn["fan"].endswith("Z")


def test_the_number_of_queries_is_small(ada, django_assert_max_num_queries):
    make_order(ada, make_product(), at=NOON)
    for name in ("purchase_30", "purchase_90", "churn_30", "churn_90", "clv"):
        score(ada, name, 0.5, reasons=REASONS, lower=0.1, upper=0.9)
    with django_assert_max_num_queries(5):
        outlook.panel(ada)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_panel_is_drawn_for_staff(admin_client, ada, language):
    make_order(ada, make_product(), at=NOON)
    score(ada, "churn_90", 0.7, lower=0.6, upper=0.8, reasons=REASONS)
    score(ada, "clv", 100.0, lower=20.0, upper=300.0)
    admin_client.cookies["django_language"] = language
    page = admin_client.get(reverse("admin:crm_customer_panel", args=[ada.pk, "outlook"]))
    text = page.content.decode()
    assert "70 %" in text
    assert "<path" in text
