"""What many rules count over everybody is counted in one pass, and each rule finds its own."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import timeline
from crm.events import ProductViewed
from crm.models import Membership, Segment
from crm.segments import keeping, parsing, rebuilding, tallies
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
VIEWED = {"event": "crm.product_viewed", "op": ">=", "count": 1, "days": 7}
RULES = {
    "week": VIEWED,
    "month": VIEWED | {"days": 30},
    "never": VIEWED | {"op": "=", "count": 0, "days": 30},
    "buyers": {"orders": "total", "op": ">=", "value": 100},
    "misers": {"orders": "total", "op": "<", "value": 100},
    "french": {"field": "country", "value": "France"},
}


@pytest.fixture
def people():
    """Ada saw something this week and bought; Bob saw something this month; Cyd did nothing."""
    ada, bob, cyd = (make_customer(name) for name in ("Ada", "Bob", "Cyd"))
    for customer, days in ((ada, 1), (bob, 20)):
        at = NOON - timedelta(days=days)
        timeline.record(customer, ProductViewed(sku="a"), at=at, key=customer.name)
    make_order(ada, make_product(price=150), at=NOON - timedelta(days=3))
    return {"Ada": ada, "Bob": bob, "Cyd": cyd}


@pytest.fixture
def six():
    return [
        Segment.objects.create(slug=slug, name_en=slug, kind="rule", rule=rule)
        for slug, rule in RULES.items()
    ]


def members():
    found = {slug: set() for slug in RULES}
    for slug, name in Membership.objects.values_list("segment__slug", "customer__name"):
        found[slug].add(name)
    return found


@pytest.mark.usefixtures("people", "six")
def test_filled_together_each_segment_has_its_own_members_and_the_rows_are_read_once():
    with CaptureQueriesContext(connection) as asked:
        keeping.refresh_all(now=NOON)
    assert members() == {
        "week": {"Ada"},
        "month": {"Ada", "Bob"},
        "never": {"Cyd"},
        "buyers": {"Ada"},
        "misers": {"Bob", "Cyd"},
        "french": set(),
    }
    making = [q for q in asked if "COALESCE(" in q["sql"] and "segment_tally_" in q["sql"]]
    assert len(making) == 2  # events, and orders


@pytest.mark.usefixtures("people")
def test_a_leaf_alone_is_not_tallied():
    assert tallies.tally([parsing.parse(VIEWED)], now=NOON) == {}
    two = [parsing.parse(VIEWED), parsing.parse(RULES["month"])]
    assert set(tallies.tally(two, now=NOON)) == {part.key for part in two}


@pytest.mark.usefixtures("people", "six")
def test_a_second_tally_in_one_transaction_sees_what_is_new(people):
    keeping.refresh_all(now=NOON)
    timeline.record(people["Cyd"], ProductViewed(sku="a"), at=NOON, key="late")
    keeping.refresh_all(now=NOON)
    assert members()["week"] == {"Ada", "Cyd"}
    assert members()["never"] == set()


@pytest.mark.usefixtures("people", "six")
def test_a_rebuild_names_what_had_drifted():
    keeping.refresh_all(now=NOON)
    Membership.objects.filter(segment__slug="month", customer__name="Bob").delete()
    found = rebuilding.rebuild(now=NOON, verify=True)
    (difference,) = found["differences"]
    assert (difference["segment"], difference["missing"], difference["extra"]) == ("month", 1, 0)
    assert found["segments"] == 6
    assert members()["month"] == {"Ada", "Bob"}
    assert rebuilding.rebuild(now=NOON, verify=True)["differences"] == []


def test_rules_that_count_the_same_rows_are_filled_side_by_side(six):
    order = [rule.segment.slug for some in keeping.batches(keeping.readable()) for rule in some]
    assert order == ["french", "week", "month", "never", "buyers", "misers"]


def test_parents_are_filled_in_a_batch_before_their_children(six):
    Segment.objects.create(slug="aa", name_en="aa", kind="rule", rule={"segment": "week"})
    batches = [[r.segment.slug for r in some] for some in keeping.batches(keeping.readable())]
    assert len(batches) == 2
    assert batches[1] == ["aa"]
