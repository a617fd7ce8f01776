"""Several rules looked at together: the same answers, in as many queries as one needs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import segments, timeline
from crm.events import ProductViewed
from crm.models import Event, Membership, Segment
from crm.segments import language, membership, parsing
from crm.segments.looking import Look
from crm.segments.membership import Rule
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
VIEWED = {"event": "crm.product_viewed", "op": ">=", "count": 1, "days": 7}


@pytest.fixture
def ada():
    return make_customer("Ada", country="France", traits={"plan": 1}, at=NOON)


@pytest.fixture
def bob():
    return make_customer("Bob", traits={"plan": True}, at=NOON)


def view(customer, key, **data):
    fact = ProductViewed(sku="a", **data)
    timeline.record(customer, fact, at=NOON - timedelta(hours=1), key=key)


def make(slug, rule):
    segment = Segment.objects.create(slug=slug, name_en=slug, kind="rule", rule=rule)
    segments.refresh(segment, now=NOON)
    return segment


def looked(customers, *rules):
    parts = [parsing.parse(rule) for rule in rules]
    leaves = [leaf for part in parts for leaf in language.leaves(part)]
    look = Look(leaves, [c.pk for c in customers], now=NOON)
    return [look.fitting(part) for part in parts], look, parts


def test_one_and_true_are_two_leaves(ada, bob):
    one, true = ({"trait": "plan", "value": value} for value in (1, True))
    (ones, trues), *_ = looked([ada, bob], one, true)
    assert (ones, trues) == ({ada.pk}, {bob.pk})


def test_a_leaf_that_two_rules_share_is_asked_once(ada, bob, django_assert_num_queries):
    view(ada, "1")
    french = {"field": "country", "value": "France"}
    with django_assert_num_queries(3):  # who they are, fields, events
        (both, neither), *_ = looked(
            [ada, bob], {"all": [VIEWED, french]}, {"not": {"any": [VIEWED, french]}}
        )
    assert (both, neither) == ({ada.pk}, {bob.pk})


def test_windows_and_figures_of_one_pass_do_not_mix(ada, bob):
    view(ada, "1")
    for days in (3, 30):
        make_order(ada, make_product(price=100), at=NOON - timedelta(days=days))
    week, ever = (
        {"orders": "count", "op": "=", "value": n, "days": d} for n, d in ((1, 7), (2, None))
    )
    before = {"orders": "total", "op": "=", "value": 100, "days": [7, 60]}
    recent = {"orders": "days_since_last", "op": "<", "value": 4}
    never = {"event": "crm.product_viewed", "op": "=", "count": 0}
    fits, look, parts = looked([ada, bob], week, ever, before, recent, never)
    assert fits == [{ada.pk}] * 4 + [{bob.pk}]
    assert [look.value(part, ada.pk) for part in parts[:3]] == [1, 2, 100.0]
    assert look.value(parts[4], bob.pk) is None  # no rows at all: nothing to show


def test_whoever_is_merged_into_another_fits_nothing(ada, bob):
    bob.merged_into = ada
    bob.save()
    (everybody,), look, _ = looked([ada, bob], {"not": {"field": "country", "value": "Peru"}})
    assert everybody == {ada.pk}
    assert look.everybody == {ada.pk, bob.pk}


def test_values_are_asked_of_those_alone_who_need_them(ada, bob):
    rule = {"field": "country", "op": "!=", "value": "Peru"}
    _, look, (part,) = looked([ada, bob], rule)
    look.explain({part.key: (part, {ada.pk})})
    assert (look.value(part, ada.pk), look.value(part, bob.pk)) == ("France", None)


def test_sixty_rules_are_kept_up_in_as_many_queries_as_twenty(ada, bob):
    def queries(count):
        for n in range(Segment.objects.count(), count):
            make(f"s{n}", VIEWED | {"days": n + 1})
        rules = [Rule(s, parsing.parse(s.rule)) for s in Segment.objects.all()]
        Membership.objects.all().delete()
        Segment.objects.update(size=0)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            moved = membership.evaluate(rules, [ada.pk, bob.pk], now=NOON)
        assert moved == {f"s{n}": {ada.pk} for n in range(count)}
        return len(asked)

    view(ada, "1")
    few = queries(20)
    assert queries(60) == few + 2  # another pass for each twenty leaves, and nothing else


def test_sizes_reasons_and_words_of_several_segments_are_each_their_own(ada, bob):
    make("lookers", VIEWED)
    make("twice", VIEWED | {"count": 2})
    make("still", VIEWED | {"op": "=", "count": 0})
    view(ada, "1")
    view(ada, "2")
    segments.drain_all(now=NOON)
    sizes = dict(Segment.objects.values_list("slug", "size"))
    assert sizes == {"lookers": 1, "twice": 1, "still": 1}
    reasons = {
        m.segment.slug: m.reason["because"] for m in ada.memberships.select_related("segment")
    }
    assert reasons["lookers"] == [{"rule": VIEWED, "value": 2, "holds": True}]
    assert reasons["twice"][0]["rule"]["count"] == 2
    told = Event.objects.filter(customer=ada, kind__startswith="crm.segment_")
    assert sorted((e.kind, e.data["segment"]) for e in told) == [
        ("crm.segment_entered", "lookers"),
        ("crm.segment_entered", "twice"),
        ("crm.segment_left", "still"),
    ]
    assert told.get(kind="crm.segment_left").data["because"][0]["value"] == 2
