from datetime import timedelta

import pytest

from crm import segments, timeline
from crm.events import ProductViewed
from crm.models import Membership, Score, Segment
from tests.factories import NOON, agree, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    ada = make_customer("Ada", country="France", traits={"plan": "gold"}, at=NOON)
    make_order(ada, make_product(price=100), at=NOON - timedelta(days=40))
    make_order(ada, make_product(price=50), at=NOON - timedelta(days=3))
    Score.objects.create(
        customer=ada, name="rfm", value=5, label="champions", version="rfm-1", at=NOON
    )
    for day in range(3):
        timeline.record(ada, ProductViewed(sku="a"), at=NOON - timedelta(days=day), key=str(day))
    agree(ada)
    return ada


@pytest.fixture
def bob():
    return make_customer("Bob", country="Spain", at=NOON - timedelta(days=100))


def names(rule):
    return sorted(c.name for c in segments.matching(rule, now=NOON))


@pytest.mark.usefixtures("ada", "bob")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"field": "country", "op": "=", "value": "France"}, ["Ada"]),
        ({"not": {"field": "country", "value": "France"}}, ["Bob"]),
        ({"field": "days_since_seen", "op": ">", "value": 30}, ["Bob"]),
        ({"field": "days_since_seen", "op": "<=", "value": 30}, ["Ada"]),
        ({"score": "rfm", "op": ">=", "value": 4}, ["Ada"]),
        ({"score": "rfm", "label": "champions"}, ["Ada"]),
        ({"event": "crm.product_viewed", "op": ">=", "count": 3}, ["Ada"]),
        ({"event": "crm.product_viewed", "op": ">=", "count": 3, "days": 1}, []),
        ({"event": "crm.product_viewed", "op": "=", "count": 0}, ["Bob"]),
        ({"event": "crm.product_viewed", "op": "<", "count": 9}, ["Ada", "Bob"]),
        ({"orders": "count", "op": ">", "value": 1}, ["Ada"]),
        ({"orders": "count", "op": ">", "value": 1, "days": 30}, []),
        ({"orders": "total", "op": ">=", "value": 150}, ["Ada"]),
        ({"orders": "count", "op": "<=", "value": 0}, ["Bob"]),
        ({"trait": "plan", "value": "gold"}, ["Ada"]),
        ({"consent": "email", "topic": "offers"}, ["Ada"]),
        ({"consent": "sms"}, []),
        (
            {"any": [{"field": "name", "value": "Bob"}, {"trait": "plan", "value": "gold"}]},
            ["Ada", "Bob"],
        ),
        ({"all": [{"field": "name", "value": "Bob"}, {"trait": "plan", "value": "gold"}]}, []),
    ],
)
def test_a_rule_finds_whom_it_describes(rule, expected):
    assert names(rule) == expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "rule: not a rule"),
        ([], "rule: not a rule"),
        ({"all": []}, "rule.all: not a list"),
        ({"mood": "good"}, "rule: none of"),
        ({"any": [{"field": "password", "value": "x"}]}, r"rule.any\[0\].field: 'password'"),
        ({"field": "country", "op": "~", "value": "x"}, "rule.op: '~' is none of"),
        ({"field": "country", "value": {"a": 1}}, "rule.value"),
        ({"field": "days_since_seen", "value": "many"}, "rule.value: 'many' is not a number"),
        ({"trait": 'a"b', "value": 1}, "rule.trait"),
        ({"segment": "nowhere"}, "no segment 'nowhere'"),
        ({"orders": "mean", "value": 1}, "'mean' is none of count, total"),
    ],
)
def test_a_rule_that_makes_no_sense_says_where(rule, message):
    with pytest.raises(segments.BadRule, match=message):
        segments.matching(rule, now=NOON)


def test_a_rule_cannot_be_endlessly_deep():
    rule = {"field": "country", "value": "x"}
    for _ in range(20):
        rule = {"not": rule}
    with pytest.raises(segments.BadRule, match="deeper than"):
        segments.matching(rule, now=NOON)


def test_refreshing_adds_who_fits_and_drops_who_no_longer_does(ada, bob):
    segment = Segment.objects.create(
        slug="french", name_en="French", kind="rule", rule={"field": "country", "value": "France"}
    )
    assert segments.refresh(segment, now=NOON) == segments.Change(entered=1, left=0)
    assert segments.refresh(segment, now=NOON) == segments.Change(entered=0, left=0)
    bob.country, ada.country = "France", "Spain"
    bob.save()
    ada.save()
    assert segments.refresh(segment, now=NOON) == segments.Change(entered=1, left=1)
    assert list(segments.members_of(segment)) == [bob]
    (because,) = Membership.objects.get().reason["because"]
    assert because == {"rule": segment.rule, "value": "France", "holds": True}


def test_a_segment_can_be_part_of_a_rule(ada, bob):
    inner = Segment.objects.create(slug="inner", name_en="Inner", kind="static")
    Membership.objects.create(segment=inner, customer=bob, entered_at=NOON)
    assert names({"not": {"segment": "inner"}}) == ["Ada"]
