"""When recommendations are learned anew: by the clock, and after enough has happened.

One worker at a time, by a claim in the database; a task that is delivered twice finds nothing new
the second time. What counts as news is what was recorded since the last training read the tables,
so an import of old orders is news, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from crm import artifacts
from crm.models import Artifact, Event, Feedback, OrderLine
from crm.training import AlreadyTraining, Order, TooLittleData, on_one_thread
from recommendations import interactions
from recommendations.models import Retraining

NAME = "recommender"
ENOUGH = 500  # new interactions, in a small shop …
SHARE = 0.02  # … or this share of what was learned from, in a large one
PAUSE = timedelta(hours=1)  # at least, between one training and the next
LEASE = timedelta(hours=2)  # after which a turn that nobody ended is anybody's
NIGHTLY = "marketing.tasks.train_all"


@dataclass(frozen=True, kw_only=True)
class News:
    """What happened since the last training, counted no further than is enough."""

    count: int
    enough: int
    last: datetime | None
    is_running: bool
    said: str
    is_outdated: bool  # the champion is of another format: after an upgrade nothing can read it

    @property
    def is_enough(self) -> bool:
        return self.count >= self.enough or self.is_outdated

    def is_due(self, now: datetime) -> bool:
        rested = self.last is None or now - self.last >= PAUSE
        return self.is_enough and rested and not self.is_running


def news(*, now: datetime) -> News:
    """Six queries at most, each over new rows only."""
    row = Retraining.objects.filter(pk=NAME).first() or Retraining(pk=NAME)
    enough = _enough()
    return News(
        count=_count_since(row, enough),
        enough=enough,
        last=row.finished_at,
        is_running=row.claimed_at is not None and row.claimed_at > now - LEASE,
        said=row.said,
        is_outdated=_is_outdated(),
    )


def after_news(*, now: datetime) -> dict[str, Any] | None:
    """Train if enough has happened; the report, or None where it was not time or not possible."""
    from recommendations import training  # numeric libraries, for the one task that needs them

    if not news(now=now).is_due(now):
        return None
    try:
        with on_one_thread():
            return training.train_recommender(Order(as_of=now, now=now))
    except (AlreadyTraining, TooLittleData):
        return None  # said in the row, where the health page reads it


@contextmanager
def turn(order: Order) -> Iterator[dict[str, str]]:
    """Take the turn to train; put the result under "said". Raises AlreadyTraining.

    An order that keeps nothing needs no turn.
    """
    outcome = {"said": "failed"}
    if not order.keep:
        yield outcome
        return
    _claim(order.now)
    marks = _marks() if order.as_of >= order.now else {}
    try:
        yield outcome
    except TooLittleData as refusal:
        outcome["said"] = str(refusal)
        raise
    except BaseException:
        marks = {}  # what was not learned from is still news
        raise
    finally:
        Retraining.objects.filter(pk=NAME, claimed_at=order.now).update(
            claimed_at=None, finished_at=order.now, said=outcome["said"][:300], **marks
        )


def next_by_clock(now: datetime) -> datetime | None:
    """When the nightly training comes next, by the schedule."""
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        if entry["task"] == NIGHTLY:
            start, until, _ = entry["schedule"].remaining_delta(now)
            coming: datetime = start + until
            return coming
    return None


def _claim(now: datetime) -> None:
    Retraining.objects.get_or_create(pk=NAME)
    free = Q(claimed_at=None) | Q(claimed_at__lte=now - LEASE)
    if not Retraining.objects.filter(free, pk=NAME).update(claimed_at=now):
        raise AlreadyTraining(f"{NAME} is being trained at this moment")


def _is_outdated() -> bool:
    from recommendations.ml.shop import ShopRecommender  # numeric libraries

    champion = artifacts.champion_of(NAME)
    return champion is not None and champion.format != ShopRecommender.format


def _enough() -> int:
    last = Artifact.objects.filter(name=NAME).order_by("-pk").values_list("rows", flat=True).first()
    return max(ENOUGH, round(SHARE * (last or 0)))


def _marks() -> dict[str, int]:
    tables: dict[str, QuerySet[Any]] = {
        "read_events": Event.objects.all(),
        "read_lines": OrderLine.objects.all(),
        "read_feedback": Feedback.objects.all(),
    }
    return {name: rows.aggregate(last=Max("pk"))["last"] or 0 for name, rows in tables.items()}


def _count_since(row: Retraining, enough: int) -> int:
    kinds = interactions.EVENT_KINDS
    tables: tuple[QuerySet[Any], ...] = (
        OrderLine.objects.filter(pk__gt=row.read_lines),
        Event.objects.filter(pk__gt=row.read_events, kind__in=kinds),
        Feedback.objects.filter(pk__gt=row.read_feedback, kind__in=interactions.OPINIONS),
    )
    count = 0
    for rows in tables:
        if count < enough:
            count += rows.order_by().values("pk")[: enough - count].count()
    return count
