"""Several schedulers and several listeners at the same moment, on PostgreSQL."""

from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings

from campaigns.journeys import engine, hearing, steering, versions
from campaigns.models import Delivery, Journey, Passage, PassageStep
from crm.models import Event
from tests.campaigns.journeys.world import (
    ORDERED,
    entry,
    graph,
    happens,
    launched,
    leave,
    mail,
    reader,
)
from tests.campaigns.test_concurrency import at_once
from tests.campaigns.world import make_template
from tests.factories import NOON

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has a single writer"),
    pytest.mark.django_db(transaction=True),
]
DUE = NOON + timedelta(minutes=60)


def crowd(number=120):
    return [happens(reader(f"P{i}")) for i in range(number)]


def test_four_schedulers_move_everybody_once():
    journey = launched()
    hearing.hear(crowd(), now=NOON)
    engine.advance_all(now=NOON)
    at_once(*[lambda: engine.advance_all(now=DUE, limit=7)] * 4)
    assert Counter(Delivery.objects.values_list("customer", flat=True)).most_common(1)[0][1] == 1
    assert Delivery.objects.count() == 120
    assert PassageStep.objects.count() == 120 * 6
    assert not Passage.objects.walking().filter(journey=journey).exists()


def test_events_told_to_four_workers_let_everybody_in_once():
    launched(again="after")
    events = crowd(60)
    at_once(*[lambda: hearing.hear(events, now=NOON)] * 4)
    assert Passage.objects.count() == 60
    assert PassageStep.objects.filter(what="entered").count() == 60


def test_goals_heard_while_others_move_people_on():
    journey = launched(goal_event=ORDERED)
    hearing.hear(crowd(80), now=NOON)
    engine.advance_all(now=NOON)
    for one in Passage.objects.select_related("customer")[:40]:
        happens(one.customer, ORDERED, at=NOON + timedelta(minutes=1))
    orders = list(Event.objects.filter(kind=ORDERED).values_list("pk", flat=True))
    at_once(
        lambda: hearing.hear(orders, now=DUE),
        lambda: hearing.hear(orders[::-1], now=DUE),
        lambda: engine.advance_all(now=DUE, limit=7),
        lambda: engine.advance_all(now=DUE, limit=9),
    )
    assert Passage.objects.filter(journey=journey).exclude(goal_at=None).count() == 40
    assert not Passage.objects.walking().exists()
    ends = PassageStep.objects.filter(what__in=["exit", "goal_event"]).values_list("passage")
    assert len(set(ends)) == len(ends) == 80, "everybody ends once, one way or the other"


def test_a_version_put_in_place_while_people_move_leaves_nobody_behind():
    journey = launched()
    hearing.hear(crowd(80), now=NOON)
    engine.advance_all(now=NOON)
    template = make_template()
    journey.draft = graph(entry(to="mail"), mail(template=template.pk), leave())
    journey.save()
    at_once(
        lambda: engine.advance_all(now=DUE, limit=3),
        lambda: versions.publish(journey, now=DUE),
        lambda: engine.advance_all(now=DUE, limit=5),
    )
    versions.carry_over(Journey.objects.select_related("version").get(), now=DUE)
    engine.advance_all(now=DUE)
    assert Counter(Delivery.objects.values_list("customer", flat=True)).most_common(1)[0][1] == 1
    assert Delivery.objects.count() == 80
    assert not Passage.objects.walking().exists()


def test_launching_from_two_browsers_launches_once():
    journey = launched()
    Journey.objects.update(state="draft")
    refused = []

    def launch():
        try:
            steering.launch(Journey.objects.get(pk=journey.pk), now=NOON)
        except steering.NotPossible as reason:
            refused.append(reason)

    at_once(launch, launch, launch)
    assert len(refused) == 2
    assert journey.versions.count() == 2
