"""Moves people on whose time has come: a batch in one transaction and a fixed number of statements.

A batch locks its people; others pass them over (SQLite has one writer anyway). What they do and
where they stand is written together or not at all, so it may be killed at any moment, and nobody
takes a step twice. Messages are only queued here: `sending` is the door they leave by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns.journeys import chances, choices, doing, facts, running
from campaigns.journeys.graph import Graph
from campaigns.journeys.walking import Facts, Move, Position, Walk, walk
from campaigns.models import Journey, JourneyVersion, Passage, PassageStep

BATCH = 60 if settings.IS_SQLITE else 2000
MOST_ROUNDS = 10_000  # of one call; the next sweep goes on
State = Passage.State
WRITTEN = [
    "state",
    "node",
    "rests",
    "since",
    "due_at",
    "heard_at",
    "steps_taken",
    "left_at",
]


@dataclass(frozen=True)
class Batch:
    """People of one version who are due, locked, with what is so of them."""

    version: JourneyVersion
    graph: Graph
    passages: Sequence[Passage]
    now: datetime

    def position(self, one: Passage, heard: Mapping[int, datetime]) -> Position:
        return Position(one.node, one.rests, one.heard_at or heard.get(one.pk))


def advance_all(*, now: datetime, limit: int = BATCH) -> int:
    """Move on whoever is due anywhere; return how many steps of a batch were made."""
    total = rounds = 0
    for version in _versions_due(now):
        while rounds < MOST_ROUNDS and (moved := advance(version, now=now, limit=limit)):
            total += moved
            rounds += 1
    return total


@transaction.atomic
def advance(version: JourneyVersion, *, now: datetime, limit: int = BATCH) -> int:
    """Move a batch of the people of one version on; return how many were moved."""
    due = Passage.objects.walking().filter(version=version, due_at__lte=now)
    live = due.filter(journey__state=Journey.State.LIVE).order_by("due_at", "id")
    locked = live.select_for_update(skip_locked=True, of=("self",))
    people = "merged_into", "timezone", "email", "phone", "public_id"
    only = [field.attname for field in Passage._meta.concrete_fields]
    passages = list(
        locked.select_related("customer").only(*only, *(f"customer__{name}" for name in people))[
            :limit
        ]
    )
    if not passages:
        return 0
    graph = running.graph_of(version)
    batch = Batch(version, graph, passages, now)
    walks = _walked(batch)
    doing.carry_out(version, passages, walks, graph=graph, now=now)
    _write(batch, walks)
    return len(passages)


def _versions_due(now: datetime) -> list[JourneyVersion]:
    due = Passage.objects.walking().filter(version=OuterRef("pk"), due_at__lte=now)
    live = JourneyVersion.objects.filter(Exists(due), journey__state=Journey.State.LIVE)
    return list(live.select_related("journey").order_by("pk"))


def _walked(batch: Batch) -> list[Walk]:
    """Where everybody goes. Who was merged into another customer leaves."""
    heard = facts.heard(batch.graph, batch.passages, now=batch.now)
    rules = facts.rules(batch.graph, batch.passages, now=batch.now)
    live = [one for one in batch.passages if one.customer.merged_into_id is None]
    chosen = choices.at_splits(batch.graph, live, now=batch.now)
    walks = []
    for one in batch.passages:
        if one.customer.merged_into_id is not None:
            walks.append(Walk((Move(one.node, "merged"),), one.node, None, end="merged"))
            continue
        own = Facts(
            zone=one.customer.timezone,
            holds={node: one.customer_id in pks for node, pks in rules.items()},
            drawn=chances.drawer(one.journey_id, one.customer_id),
            chosen=chosen.get(one.pk, {}),
        )
        walks.append(walk(batch.graph, batch.position(one, heard), own, batch.now))
    return walks


def _write(batch: Batch, walks: Sequence[Walk]) -> None:
    steps = []
    for one, made in zip(batch.passages, walks, strict=True):
        steps += [
            PassageStep(
                passage_id=one.pk,
                position=one.steps_taken + i,
                node=move.node,
                what=move.what,
                detail=dict(move.detail),
                at=batch.now,
            )
            for i, move in enumerate(made.moves)
        ]
        _settle(one, made, batch.now)
    PassageStep.objects.bulk_create(steps)
    Passage.objects.bulk_create(
        batch.passages, update_conflicts=True, unique_fields=["id"], update_fields=WRITTEN
    )


def _settle(one: Passage, made: Walk, now: datetime) -> None:
    one.steps_taken += len(made.moves)
    one.node, one.rests, one.due_at = made.node, made.rests, made.due_at
    one.since, one.heard_at = now, None
    if made.end:
        one.state = State.REACHED if made.end == "goal" else State.LEFT
        one.left_at = now
