"""Who leaves a journey before its end: messages that wait for them are not sent any more."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from campaigns.models import Delivery, Journey, Passage, PassageStep

State = Passage.State


def leave(
    passages: Collection[Passage],
    *,
    state: str,
    what: str,
    detail: Mapping[int, Mapping[str, Any]],
    now: datetime,
) -> int:
    """Take people out who are inside; call it within a transaction. Four queries.

    `detail`: by the id of the passage.
    """
    locked = Passage.objects.walking().select_for_update(of=("self",))
    inside = list(locked.filter(pk__in=[one.pk for one in passages]).order_by("pk"))
    if not inside:
        return 0
    PassageStep.objects.bulk_create(
        [
            PassageStep(
                passage=one,
                position=one.steps_taken,
                node=one.node,
                what=what,
                detail=dict(detail.get(one.pk, {})),
                at=now,
            )
            for one in inside
        ]
    )
    Passage.objects.filter(pk__in=[one.pk for one in inside]).update(
        state=state, left_at=now, due_at=None, steps_taken=F("steps_taken") + 1
    )
    for journey_id in {one.journey_id for one in inside}:
        theirs = [one.customer_id for one in inside if one.journey_id == journey_id]
        _withdraw(journey_id, theirs)
    return len(inside)


def empty(journey: Journey, *, now: datetime, batch: int = 2000) -> int:
    """Everybody leaves: the journey has ended."""
    total = 0
    while some := list(Passage.objects.walking().filter(journey=journey).order_by("pk")[:batch]):
        total += leave(some, state=State.LEFT, what="ended", detail={}, now=now)
    return total


def _withdraw(journey_id: int, customer_ids: Collection[int]) -> None:
    """Without its claim no sender may begin a message."""
    Delivery.objects.filter(
        campaign__journey=journey_id, customer__in=customer_ids, status=Delivery.Status.QUEUED
    ).update(
        status=Delivery.Status.SKIPPED, reason="left_journey", claimed_by="", claimed_until=None
    )
