"""Where and at what hour each customer reacts, in their own time zone, as scores with evidence."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from django.db.models import Count
from django.db.models.functions import ExtractHour

from crm.ml import habits
from crm.models import Customer, Event
from crm.scores.writing import Maker, Scored, write

WINDOW = timedelta(days=180)
FEWEST = 5  # deeds below which nothing is claimed of a person
CHANNEL_OF = {
    "campaigns.message_opened": "email",
    "campaigns.message_clicked": "email",
    "chatbot.message_received": "chat",
    "crm.product_viewed": "web",
    "crm.product_added": "web",
    "crm.page": "web",
}
CHANNELS = ("email", "chat", "web")
ACTIVE = (*CHANNEL_OF, "crm.order_placed")
CLEARLY = 1.15  # times the population's share, before a channel is somebody's own


def refresh(*, as_of: datetime, now: datetime) -> dict[str, int]:
    """Write the scores `channel` and `hour` of everybody who did anything; return how many."""
    made = Maker("habits-1", at=now)
    return {
        "channel": write("channel", _channels(as_of), by=made),
        "hour": write("hour", _hours(as_of), by=made),
    }


def _events(as_of: datetime) -> Any:
    return Event.objects.filter(
        happened_at__gt=as_of - WINDOW, happened_at__lte=as_of, customer__merged_into=None
    ).order_by()


def _channels(as_of: datetime) -> Iterator[Scored]:
    rows = (
        _events(as_of)
        .filter(kind__in=CHANNEL_OF)
        .values_list("customer_id", "kind")
        .annotate(n=Count("pk"))
    )
    ids, counts = _table(((pk, CHANNELS.index(CHANNEL_OF[kind]), n) for pk, kind, n in rows), 3)
    everybody = habits.population(counts)
    worth = habits.strength(counts, everybody)
    shares = habits.shrunk(counts, everybody, worth)
    best = (shares / everybody).argmax(axis=1)
    for pk, own, deeds, place in zip(ids, shares, counts, best, strict=True):
        known = deeds.sum() >= FEWEST and own[place] >= CLEARLY * everybody[place]
        yield Scored(
            customer_id=int(pk),
            value=round(float(own[place]), 4),
            label=CHANNELS[place] if known else "",
            detail={
                "shares": dict(zip(CHANNELS, own.round(4).tolist(), strict=True)),
                "everybody": dict(zip(CHANNELS, everybody.round(4).tolist(), strict=True)),
                "deeds": dict(zip(CHANNELS, deeds.astype(int).tolist(), strict=True)),
            },
        )


def _hours(as_of: datetime) -> Iterator[Scored]:
    ids, counts = _table(_by_hour(as_of), 24)
    everybody = habits.smooth_hours(habits.population(counts)[None])[0]
    worth = habits.strength(counts, everybody)
    shares = habits.smooth_hours(habits.shrunk(counts, everybody, worth))
    best = shares.argmax(axis=1)
    for pk, own, deeds, hour in zip(ids, shares, counts, best, strict=True):
        known = deeds.sum() >= FEWEST
        yield Scored(
            customer_id=int(pk),
            value=float(hour),
            label=f"{hour:02d}" if known else "",
            detail={
                "shares": own.round(4).tolist(),
                "deeds": int(deeds.sum()),
                "at_this_hour": int(deeds[hour]),
            },
        )


def _by_hour(as_of: datetime) -> Iterator[tuple[int, int, int]]:
    """(customer, hour of their own day, deeds); one query a time zone."""
    zones = Customer.objects.active().order_by("timezone").values_list("timezone", flat=True)
    for name in zones.distinct():
        rows = (
            _events(as_of)
            .filter(kind__in=ACTIVE, customer__timezone=name)
            .annotate(hour=ExtractHour("happened_at", tzinfo=_zone(name)))
            .values_list("customer_id", "hour")
            .annotate(n=Count("pk"))
        )
        yield from rows.iterator(chunk_size=10_000)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # somebody's import called it "London"
        return ZoneInfo("UTC")


def _table(rows: Any, width: int) -> tuple[list[int], np.ndarray]:
    """Ids and (customers, width) counts."""
    table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
    ids, place = np.unique(table[:, 0], return_inverse=True)
    counts = np.zeros((len(ids), width))
    np.add.at(counts, (place, table[:, 1]), table[:, 2])
    return ids.tolist(), counts
