"""The calendar: which broadcasts went and will go on which day, and when journeys let groups in.

Days are those of the company's time zone. What will come is what is planned now.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from campaigns.journeys import running
from campaigns.journeys.walking import next_clock
from campaigns.models import Campaign, Journey

Status = Campaign.Status
BY_CLOCK = "recurring"  # the trigger of journeys that let a whole group in


@dataclass(frozen=True)
class Entry:
    """One thing on one day. is_planned: it lies ahead."""

    at: datetime
    of: Campaign | Journey
    state: str
    is_planned: bool

    @property
    def is_journey(self) -> bool:
        return isinstance(self.of, Journey)


@dataclass
class Day:
    date: date
    is_of_month: bool
    is_today: bool
    entries: list[Entry] = field(default_factory=list)


def month(first: date, *, now: datetime, zone: str = settings.TIME_ZONE) -> list[list[Day]]:
    """The weeks of a month, Monday first, with what went and what is planned. Two queries."""
    here = ZoneInfo(zone)
    begins = first.replace(day=1)
    start = begins - timedelta(days=begins.weekday())
    after = following(begins)
    end = after + timedelta(days=-after.weekday() % 7)
    today = now.astimezone(here).date()
    days = {
        day: Day(day, is_of_month=day.month == begins.month, is_today=day == today)
        for day in (start + timedelta(days=n) for n in range((end - start).days))
    }
    since, until = (datetime.combine(day, datetime.min.time(), here) for day in (start, end))
    entries = [*_broadcasts(since, until), *_by_clock(now, until, zone)]
    for entry in sorted(entries, key=lambda one: one.at):
        if day := days.get(entry.at.astimezone(here).date()):
            day.entries.append(entry)
    every = list(days.values())
    return [every[n : n + 7] for n in range(0, len(every), 7)]


def following(first: date) -> date:
    """The first day of the next month."""
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def preceding(first: date) -> date:
    """The first day of the month before."""
    return (first.replace(day=1) - timedelta(days=1)).replace(day=1)


def _broadcasts(since: datetime, until: datetime) -> Iterator[Entry]:
    """Those that began in this time, and those that wait for their moment in it."""
    waits = Q(status=Status.SCHEDULED, scheduled_at__gte=since, scheduled_at__lt=until)
    began = Q(started_at__gte=since, started_at__lt=until)
    for one in Campaign.objects.broadcasts().filter(waits | began).order_by("pk"):
        at = one.started_at or one.scheduled_at
        assert at is not None  # by the filter
        yield Entry(at, one, one.get_status_display(), is_planned=one.started_at is None)


def _by_clock(now: datetime, until: datetime, zone: str) -> Iterator[Entry]:
    """Each time that a live journey will let its group in."""
    live = Journey.objects.select_related("version").filter(state=Journey.State.LIVE)
    for one in running.of_all(live):
        entry = one.graph.entry
        if entry.data.get("trigger") != BY_CLOCK:
            continue
        at = next_clock(entry, zone=zone, now=now.astimezone(UTC))
        while at < until:
            yield Entry(at, one.journey, one.journey.get_state_display(), is_planned=True)
            at = next_clock(entry, zone=zone, now=at)
