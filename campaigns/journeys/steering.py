"""The states of a journey and the steps between them; each is one UPDATE that one caller wins."""

from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns import lifecycle
from campaigns.journeys import kinds, leaving, versions
from campaigns.models import Campaign, Delivery, Journey

State = Journey.State


class NotPossible(Exception):
    """The journey is not in a state from which this can be done."""


@transaction.atomic
def launch(journey: Journey, *, now: datetime, by: Any = None) -> None:
    """The draft becomes the first version, and people come in. Raises BadGraph."""
    _step(journey, [State.DRAFT], State.DRAFT)  # locks the row
    versions.publish(journey, now=now, by=by)
    Journey.objects.filter(pk=journey.pk).update(state=State.LIVE, launched_at=now)
    journey.refresh_from_db()
    keep_campaigns(journey)
    kinds.forget()


@transaction.atomic
def pause(journey: Journey) -> None:
    """Nobody comes in, nobody moves on, and no message is begun."""
    _step(journey, [State.LIVE], State.PAUSED)
    keep_campaigns(journey)
    claimed = Delivery.objects.filter(
        campaign__journey=journey, status=Delivery.Status.QUEUED
    ).exclude(claimed_by="")
    claimed.update(claimed_by="", claimed_until=None)


@transaction.atomic
def resume(journey: Journey) -> None:
    """Everybody goes on who has become due meanwhile."""
    _step(journey, [State.PAUSED], State.LIVE)
    keep_campaigns(journey)
    wake()


@transaction.atomic
def end(journey: Journey, *, now: datetime) -> None:
    """For good: everybody leaves, and what was not begun is not sent."""
    _step(journey, [State.LIVE, State.PAUSED], State.ENDED)
    Journey.objects.filter(pk=journey.pk).update(ended_at=now, listens=[])
    leaving.empty(journey, now=now)
    Campaign.objects.filter(journey=journey).update(
        status=Campaign.Status.CANCELLED, finished_at=now
    )
    lifecycle.skip_cancelled()
    kinds.forget()


def keep_campaigns(journey: Journey) -> None:
    """The messages of a journey go by its rules, and for as long as it is live."""
    fields = versions.campaign_fields(journey)
    Campaign.objects.filter(journey=journey).update(**fields)


def wake() -> None:
    from campaigns import tasks  # tasks import this module

    transaction.on_commit(tasks.walk.delay, robust=True)  # a sweep runs anyway


def _step(journey: Journey, before: list[State], after: State) -> None:
    if not Journey.objects.filter(pk=journey.pk, state__in=before).update(state=after):
        journey.refresh_from_db(fields=["state"])
        raise NotPossible(f"The journey “{journey}” is {journey.get_state_display()}.")
    journey.state = after
