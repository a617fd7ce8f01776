"""How staff answer: waits, answers, what was given up; by day and by person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Min
from django.utils.timezone import localtime

from chatbot import presence
from chatbot.models import Conversation, Handoff
from crm.ml.judging import wilson

DAYS = 28
READ = 20_000  # hand-overs; the newest are looked at
GIVEN_UP = timedelta(hours=1)  # a hand-over that nobody answered for so long counts as such


@dataclass(frozen=True)
class Rate:
    """Some of all, with the interval that holds the truth nine times in ten (Wilson)."""

    hits: int
    size: int

    @property
    def share(self) -> float | None:
        return self.hits / self.size if self.size else None

    @property
    def low(self) -> float:
        return wilson(self.hits, self.size)[0] if self.size else 0.0

    @property
    def high(self) -> float:
        return wilson(self.hits, self.size)[1] if self.size else 1.0


@dataclass(frozen=True)
class Answered:
    """The hand-overs of one day or one person. Times are medians, in minutes."""

    name: Any
    count: int
    answered: int
    first_answer: float | None
    slowest_tenth: float | None
    resolved: float | None
    given_up: Rate


def numbers(now: datetime) -> dict[str, Any]:
    """All that the staff's half of the page shows, in a fixed number of queries."""
    since = now - timedelta(days=DAYS)
    rows = list(
        Handoff.objects.filter(requested_at__gt=since, requested_at__lte=now)
        .order_by("-requested_at")
        .only("requested_at", "accepted_at", "first_answer_at", "closed_at", "staff_id")[:READ]
    )
    people = User.objects.in_bulk({row.staff_id for row in rows if row.staff_id})
    queue = Conversation.objects.filter(state=Conversation.State.QUEUED)
    return {
        "as_of": now,
        "days": DAYS,
        "waiting": queue.count(),
        "oldest": queue.aggregate(at=Min("queued_at"))["at"],
        "present": presence.present(now).count(),
        "all": told("", rows, now=now),
        "by_day": _by_day(rows, since=since, now=now),
        "by_person": _by_person(rows, people, now=now),
    }


def told(name: Any, rows: Sequence[Handoff], *, now: datetime) -> Answered:
    waits = [_minutes(r.requested_at, r.first_answer_at) for r in rows if r.first_answer_at]
    ends = [_minutes(r.requested_at, r.closed_at) for r in rows if r.closed_at and r.accepted_at]
    over = [r for r in rows if r.first_answer_at or _is_given_up(r, now)]
    given_up = Rate(sum(_is_given_up(r, now) for r in over), len(over))
    tenth = sorted(waits)[ceil(0.9 * len(waits)) - 1] if waits else None
    middle, end = (median(found) if found else None for found in (waits, ends))
    return Answered(name, len(rows), len(waits), middle, tenth, end, given_up)


def _is_given_up(row: Handoff, now: datetime) -> bool:
    """Nobody answered, and it is over, or the customer waits for very long."""
    if row.first_answer_at:
        return False
    return row.closed_at is not None or row.requested_at < now - GIVEN_UP


def _by_day(rows: Iterable[Handoff], *, since: datetime, now: datetime) -> list[Answered]:
    """Every day, also those without any, the oldest first."""
    first = localtime(since).date() + timedelta(days=1)
    days: dict[date, list[Handoff]] = {first + timedelta(days=n): [] for n in range(DAYS)}
    for row in rows:
        days.setdefault(localtime(row.requested_at).date(), []).append(row)
    return [told(day, days[day], now=now) for day in sorted(days)]


def _by_person(
    rows: Iterable[Handoff], people: dict[int, User], *, now: datetime
) -> list[Answered]:
    """Who answered most stands first."""
    theirs: dict[int, list[Handoff]] = {}
    for row in rows:
        if row.staff_id in people:
            theirs.setdefault(row.staff_id or 0, []).append(row)
    made = [told(people[pk], mine, now=now) for pk, mine in theirs.items()]
    return sorted(made, key=lambda one: (-one.answered, str(one.name)))


def _minutes(start: datetime, end: datetime | None) -> float:
    return max((end - start).total_seconds() / 60, 0.0) if end else 0.0
