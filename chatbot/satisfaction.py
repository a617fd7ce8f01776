"""What customers thought of chats and answers, by day, and by who had answered them.

A rating of a whole chat counts for the member of staff who wrote in it last before it was given,
or for the bot where nobody did. A thumb counts for whoever wrote the answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils.timezone import localtime

from chatbot.figures import DAYS, Rate
from chatbot.models import Message
from crm.models import Feedback

MOST = 10_000  # ratings of chats that are looked at by person, the newest
FEW = 10  # with fewer a share says next to nothing
GOOD = 4  # of five
BOT = None


@dataclass(frozen=True)
class Liked:
    """Of one day (`name` is the day) or of one person (a User, None for the bot)."""

    name: Any
    good: Rate  # chats rated four or five
    mean: float | None  # of five
    up: Rate  # thumbs

    @property
    def size(self) -> int:
        return self.good.size + self.up.size

    @property
    def is_few(self) -> bool:
        return max(self.good.size, self.up.size) < FEW


def numbers(now: datetime) -> dict[str, list[Liked]]:
    """In a fixed number of queries."""
    since = now - timedelta(days=DAYS)
    return {
        "liked_by_day": _by_day(since, now),
        "liked_by_person": _by_person(since, now),
    }


def visible(rows: Iterable[Liked], viewer: User) -> list[Liked]:
    """The bot's row is for everybody, one's own for oneself; others' for who looks after staff."""
    sees_all = viewer.has_perm("auth.view_user")
    return [row for row in rows if sees_all or row.name in (BOT, viewer)]


def _ratings(since: datetime, now: datetime) -> Any:
    given = Feedback.objects.filter(kind=Feedback.Kind.CSAT, source="chat")
    return given.filter(at__gt=since, at__lte=now)


def _thumbs(since: datetime, now: datetime) -> Any:
    rated = Message.objects.filter(rating__isnull=False)
    return rated.filter(created_at__gt=since, created_at__lte=now)


def _by_day(since: datetime, now: datetime) -> list[Liked]:
    """Every day, also those without any, the oldest first."""
    scores: dict[date, dict[float, int]] = defaultdict(dict)
    for row in (
        _ratings(since, now)
        .annotate(day=TruncDate("at"))
        .order_by()
        .values("day", "score")
        .annotate(n=Count("pk"))
    ):
        scores[row["day"]][row["score"]] = row["n"]
    thumbs: Any = (
        _thumbs(since, now)
        .annotate(day=TruncDate("created_at"))
        .order_by()
        .values("day")
        .annotate(up=Count("pk", filter=Q(rating__gt=0)), all=Count("pk"))
    )
    ups = {row["day"]: Rate(row["up"], row["all"]) for row in thumbs}
    first = localtime(since).date() + timedelta(days=1)
    days = {first + timedelta(days=n) for n in range(DAYS)} | set(scores) | set(ups)
    return [_liked(day, scores[day], ups.get(day, Rate(0, 0))) for day in sorted(days)]


def _by_person(since: datetime, now: datetime) -> list[Liked]:
    """The bot first, then who was rated most."""
    scores: dict[int | None, dict[float, int]] = defaultdict(lambda: defaultdict(int))
    given = _ratings(since, now).order_by("-at", "-pk").values_list("key", "score", "at")[:MOST]
    told = [(found, score, at) for key, score, at in given if (found := _chat_of(key))]
    writers = _writers({chat for chat, _, _ in told})
    for chat, score, at in told:
        scores[_last_before(writers.get(chat, ()), at)][score] += 1
    thumbs: dict[int | None, Rate] = {}
    counted: Any = (
        _thumbs(since, now)
        .filter(Q(sender=Message.Sender.BOT) | Q(author__isnull=False))
        .order_by()
        .values("author")
        .annotate(up=Count("pk", filter=Q(rating__gt=0)), all=Count("pk"))
    )
    for row in counted:
        thumbs[row["author"]] = Rate(row["up"], row["all"])
    ids = set(scores) | set(thumbs)
    people = User.objects.in_bulk([pk for pk in ids if pk is not None])
    made = [
        _liked(people.get(pk) if pk else BOT, scores[pk], thumbs.get(pk, Rate(0, 0)))
        for pk in ids
        if pk is None or pk in people
    ]
    return sorted(made, key=lambda one: (one.name is not BOT, -one.size, str(one.name)))


def _writers(chats: set[UUID]) -> Mapping[UUID, list[tuple[datetime, int]]]:
    """Who of the staff wrote in each of these chats, and when."""
    found: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    rows = Message.objects.filter(
        conversation__public_id__in=chats, sender=Message.Sender.AGENT, author__isnull=False
    )
    for chat, at, author in rows.values_list(
        "conversation__public_id", "created_at", "author"
    ).order_by("created_at", "seq"):
        found[chat].append((at, author or 0))
    return found


def _last_before(writers: Iterable[tuple[datetime, int]], at: datetime) -> int | None:
    earlier = [author for wrote, author in writers if wrote <= at]
    return earlier[-1] if earlier else None


def _chat_of(key: str) -> UUID | None:
    """The chat that a rating's key names ("csat:<its public id>")."""
    try:
        return UUID(key.removeprefix("csat:"))
    except ValueError:
        return None


def _liked(name: Any, scores: Mapping[float, int], up: Rate) -> Liked:
    size = sum(scores.values())
    good = sum(n for score, n in scores.items() if score >= GOOD)
    mean = sum(score * n for score, n in scores.items()) / size if size else None
    return Liked(name, Rate(good, size), mean, up)
