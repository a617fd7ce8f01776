"""Incremental is full is the plain reading of the rule, whatever happens in whatever order."""

from contextlib import suppress

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import segments
from crm.models import Customer, Membership, Segment, Touch
from crm.models.segments import forget_wanted
from crm.segments import compiling, language, parsing, tallies
from crm.segments.looking import Look
from tests.crm.segments import reference
from tests.crm.segments.worlds import World, rules, steps

pytestmark = pytest.mark.django_db
thorough = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Undone(Exception):
    pass


@pytest.fixture
def anew():
    """What hypothesis repeats inside one test starts each time from nothing."""

    def world(check):
        forget_wanted()
        with suppress(Undone), transaction.atomic():
            check(World())
            raise Undone

    return world


def make(slug, rule):
    return Segment.objects.create(slug=slug, name_en=slug, kind="rule", rule=rule)


def members(segment):
    return set(Membership.objects.filter(segment=segment).values_list("customer_id", flat=True))


def should_be(segment, now):
    return {c.pk for c in Customer.objects.active() if reference.fits(segment.rule, c, now)}


@thorough
@given(rule=rules, history=steps)
def test_a_query_a_look_and_a_tally_are_the_plain_reading(anew, monkeypatch, rule, history):
    monkeypatch.setattr(tallies, "WORTHWHILE", 1)

    def check(world):
        for step in history:
            world.take(*step)
        asked = {c.pk for c in segments.matching(rule, now=world.now)}
        plain = {c.pk for c in Customer.objects.active() if reference.fits(rule, c, world.now)}
        assert asked == plain
        part = parsing.parse(rule)
        everybody = Customer.objects.values_list("pk", flat=True)
        look = Look(language.leaves(part), everybody, now=world.now)
        assert look.fitting(part) == plain
        known = tallies.tally([part], now=world.now)
        counted = compiling.customers(part, now=world.now, known=known)
        assert set(counted.values_list("pk", flat=True)) == plain

    anew(check)


@thorough
@given(two=st.tuples(rules, rules), history=steps, more=steps)
def test_what_is_kept_up_is_what_a_full_rebuild_gives(anew, two, history, more):
    def check(world):
        kept = [make("first", two[0]), make("second", two[1])]
        kept.append(make("child", {"all": [{"segment": "first"}, {"not": {"segment": "second"}}]}))
        for step in history:
            world.take(*step)
        segments.keep_up(now=world.now)
        Segment.objects.update(refill_at=None)  # from here on, nothing but small steps
        for step in more:
            world.take(*step)
        segments.keep_up(now=world.now)
        assert not Touch.objects.exists()
        for segment in kept:
            incremental = members(segment)
            assert incremental == should_be(segment, world.now), segment.rule
            segment.refresh_from_db()
            assert segment.size == len(incremental)
        segments.refresh_all(now=world.now)
        for segment in kept:
            assert members(segment) == should_be(segment, world.now)

    anew(check)
