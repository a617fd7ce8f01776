"""What events do to journeys: somebody reaches the goal, leaves, is woken, or comes in.

The same events may be told twice, and in any order: goals are kept once, who left stays outside,
an event lets nobody in a second time, and who comes in is asked what they did since.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from campaigns.journeys import conditions, entering, kinds, leaving, running
from campaigns.journeys.entering import Reason
from campaigns.journeys.graph import Graph
from campaigns.journeys.running import Running
from campaigns.models import Journey, Passage
from crm.models import Event

State = Passage.State
TOLD = ("sku", "segment", "number", "price", "sentiment")  # of an event, in the trace


def hear(event_ids: Sequence[int], *, now: datetime) -> int:
    """Let every journey hear of these events; return how many people came in."""
    events = list(Event.objects.filter(pk__in=event_ids).order_by("happened_at", "id"))
    told = {event.kind for event in events}
    listening = Journey.objects.listening().select_related("version").order_by("pk")
    return sum(
        _hear(one, [event for event in events if event.kind in one.journey.listens], now=now)
        for one in running.of_all(listening)
        if told.intersection(one.journey.listens)
    )


@transaction.atomic
def _hear(one: Running, events: Sequence[Event], *, now: datetime) -> int:
    # One at a time for each journey, or two would lock the same people in opposite order.
    journey = Journey.objects.select_for_update(no_key=True).get(pk=one.journey.pk)
    passages = _passages(journey, [event.customer_id for event in events])
    _end(journey, passages, events, now=now)
    _wake(passages, events, now=now)
    reasons = _reasons(one.graph, events)
    if journey.state != Journey.State.LIVE or not reasons:
        return 0
    came = entering.enter(one, reasons, now=now)
    if came and (journey.goal_event or journey.exit_event):
        _catch_up(journey, reasons, now=now)
    return came


def _passages(journey: Journey, customer_ids: Iterable[int]) -> list[Passage]:
    known = Passage.objects.filter(journey=journey, customer__in=set(customer_ids))
    return list(known.select_related("version").order_by("pk"))


def _catch_up(journey: Journey, reasons: Mapping[int, Reason], *, now: datetime) -> None:
    """Who put something into the cart and ordered may be heard of in the other order."""
    since = Event.objects.filter(
        customer__in=list(reasons),
        kind__in=[journey.goal_event, journey.exit_event],
        happened_at__gt=min(reason.at for reason in reasons.values()),
        happened_at__lte=now,
    )
    if events := list(since.order_by("happened_at", "id")):
        _end(journey, _passages(journey, reasons), events, now=now)


def _end(
    journey: Journey, passages: Sequence[Passage], events: Sequence[Event], *, now: datetime
) -> None:
    goals = [event for event in events if event.kind == journey.goal_event]
    exits = [event for event in events if event.kind == journey.exit_event]
    _reach(journey, passages, goals, now=now)
    gone = {one.pk: e for one, e in _pairs(passages, exits) if one.entered_at < e.happened_at}
    inside = [one for one in passages if one.pk in gone]
    detail = {pk: _told(event) for pk, event in gone.items()}
    leaving.leave(inside, state=State.LEFT, what="exit_event", detail=detail, now=now)


def _reach(
    journey: Journey, passages: Sequence[Passage], events: Sequence[Event], *, now: datetime
) -> None:
    """The goal counts for who is inside, for who has left, and for who was held out."""
    within = timedelta(days=journey.goal_days)
    reached: dict[int, Event] = {}
    for one, event in _pairs(passages, events):
        in_time = one.entered_at < event.happened_at <= one.entered_at + within
        if one.goal_at is None and in_time:
            reached.setdefault(one.pk, event)
    for pk, event in reached.items():
        Passage.objects.filter(pk=pk, goal_at=None).update(goal_at=event.happened_at)
    inside = [one for one in passages if one.pk in reached]
    detail = {pk: _told(event) for pk, event in reached.items()}
    leaving.leave(inside, state=State.REACHED, what="goal_event", detail=detail, now=now)


def _wake(passages: Sequence[Passage], events: Sequence[Event], *, now: datetime) -> None:
    """Who waits for such an event, and has waited for it when it happened, is due."""
    for one, event in _pairs(passages, events):
        node = running.graph_of(one.version).get(one.node)
        if node and node.mode == "event" and node.data["event"] == event.kind:
            waiting = Passage.objects.walking().filter(pk=one.pk, node=one.node, rests=True)
            waiting.filter(heard_at=None, since__lte=event.happened_at).update(
                heard_at=event.happened_at, due_at=now
            )


def _pairs(passages: Sequence[Passage], events: Sequence[Event]) -> Iterable[tuple[Passage, Event]]:
    theirs: dict[int, list[Event]] = {}
    for event in events:
        theirs.setdefault(event.customer_id, []).append(event)
    return [(one, event) for one in passages for event in theirs.get(one.customer_id, ())]


def _reasons(read: Graph, events: Sequence[Event]) -> dict[int, Reason]:
    """Whom the events let in: the first of each customer that fits the entry."""
    found: dict[int, Reason] = {}
    for event in events:
        if event.customer_id not in found and fits_entry(read, event):
            key = f"event:{event.pk}"
            found[event.customer_id] = Reason(key, event.happened_at, _told(event))
    return found


def fits_entry(read: Graph, event: Event) -> bool:
    """Whether such an event is a reason to enter."""
    entry = read.entry.data
    if entry["trigger"] == "segment":
        entered = event.kind == kinds.SEGMENT_ENTERED
        return entered and event.data.get("segment") == entry["segment"]
    if entry["trigger"] != "event" or event.kind != entry["event"]:
        return False
    if entry.get("event_name") and event.name != entry["event_name"]:
        return False
    return conditions.fits(event.data, entry.get("where") or [])


def _told(event: Event) -> dict[str, Any]:
    told = {"event": event.kind, "id": event.pk, "at": event.happened_at.isoformat()}
    return told | {name: str(event.data[name])[:80] for name in TOLD if event.data.get(name)}
