"""What the bot is worth: what it settles alone, what customers think of it, and what they buy
afterwards. What is bought after a chat is no proof: only the holdout tells what the bot brings."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import fmean, variance
from typing import Any

from django.conf import settings
from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.fields.json import KT

from chatbot.figures import DAYS, Rate
from chatbot.holdout import is_held_out
from chatbot.models import Conversation, Handoff, Message
from crm.ml.judging import Z90
from crm.models import Customer, Feedback, Order

AFTER = timedelta(days=7)  # an order so soon after a chat is counted beside it
AGAIN = timedelta(days=3)  # who writes again so soon had not been helped
MOST = 20_000  # customers that are compared, the most lately seen
FEW = 100  # held out; with fewer the comparison says nothing
TOPICS = 12


@dataclass(frozen=True)
class Versus:
    """Customers whom the bot may speak to first, beside those whom it may not."""

    spoken_to: Rate  # who bought
    held_out: Rate
    difference: float  # of the shares of buyers, with its 90 % interval
    low: float
    high: float
    each: float  # revenue a customer more, with its 90 % interval
    each_low: float
    each_high: float

    @property
    def is_clear(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def is_enough(self) -> bool:
        return self.held_out.size >= FEW


def numbers(now: datetime) -> dict[str, Any]:
    """All that the bot's half of the page shows, in a fixed number of queries."""
    since = now - timedelta(days=DAYS)
    chats = _chats(since, now)
    return {
        **_rates(chats),
        "feedback": _feedback(since, now),
        "csat": _csat(since, now),
        "revenue": _revenue(chats),
        "holdout_share": settings.CHAT_HOLDOUT,
        "versus": _versus(since, now) if settings.CHAT_HOLDOUT > 0 else None,
        "topics": _topics(now),
    }


def _chats(since: datetime, now: datetime) -> QuerySet[Conversation]:
    """Begun in this time, with at least a word of the customer."""
    said = Message.objects.filter(conversation=OuterRef("pk"), sender=Message.Sender.CUSTOMER)
    begun = Conversation.objects.filter(created_at__gt=since, created_at__lte=now)
    return begun.filter(Exists(said))


def _rates(chats: QuerySet[Conversation]) -> dict[str, Rate]:
    handed = Exists(Handoff.objects.filter(conversation=OuterRef("pk")))
    again = Exists(
        Message.objects.filter(
            conversation__customer=OuterRef("customer"),
            sender=Message.Sender.CUSTOMER,
            created_at__gt=OuterRef("resolved_at"),
            created_at__lte=_plus(OuterRef("resolved_at"), AGAIN),
        )
    )
    found = chats.annotate(handed=handed, again=again).aggregate(
        all=Count("pk"),
        handed_over=Count("pk", filter=Q(handed=True)),
        resolved=Count("pk", filter=Q(resolved_at__isnull=False)),
        reopened=Count("pk", filter=Q(resolved_at__isnull=False, again=True)),
    )
    return {
        "contained": Rate(found["all"] - found["handed_over"], found["all"]),
        "handed_over": Rate(found["handed_over"], found["all"]),
        "reopened": Rate(found["reopened"], found["resolved"]),
    }


def _feedback(since: datetime, now: datetime) -> Rate:
    """Thumbs up, of all thumbs that answers of the bot were given."""
    said = Message.objects.filter(sender=Message.Sender.BOT, rating__isnull=False)
    found = said.filter(created_at__gt=since, created_at__lte=now).aggregate(
        up=Count("pk", filter=Q(rating__gt=0)), all=Count("pk")
    )
    return Rate(found["up"], found["all"])


def _csat(since: datetime, now: datetime) -> Rate:
    """Four or five of five, of all chats that were rated."""
    given = Feedback.objects.filter(
        kind=Feedback.Kind.CSAT, source="chat", at__gt=since, at__lte=now
    )
    found = given.aggregate(good=Count("pk", filter=Q(score__gte=4)), all=Count("pk"))
    return Rate(found["good"], found["all"])


def _revenue(chats: QuerySet[Conversation]) -> list[dict[str, Any]]:
    """Orders from the first word of a chat to seven days after its last, each counted once."""
    beside = Exists(
        chats.filter(
            customer=OuterRef("customer"),
            created_at__lte=OuterRef("placed_at"),
            updated_at__gte=_plus(OuterRef("placed_at"), -AFTER),
        )
    )
    orders = Order.objects.sales().filter(beside).order_by()
    sums: Any = orders.values("currency").annotate(
        total=Sum("total"), orders=Count("pk"), customers=Count("customer", distinct=True)
    )
    return sorted(sums, key=lambda row: -row["total"])


def _versus(since: datetime, now: datetime) -> Versus | None:
    """By intention: everybody counts as drawn, whether the bot spoke or not."""
    seen = Customer.objects.active().filter(last_seen_at__gt=since, first_seen_at__lte=now)
    people = list(seen.order_by("-last_seen_at", "-pk").values_list("pk", "public_id")[:MOST])
    bought = Order.objects.sales().filter(placed_at__gt=since, placed_at__lte=now).order_by()
    spent = {
        row["customer"]: float(row["spent"])
        for row in bought.filter(customer__last_seen_at__gt=since)
        .values("customer")
        .annotate(spent=Sum("total"))
    }
    arms: dict[bool, list[float]] = {True: [], False: []}
    for pk, public_id in people:
        arms[is_held_out(public_id)].append(spent.get(pk, 0.0))
    return _compared(arms[False], arms[True])


def _compared(treated: list[float], control: list[float]) -> Versus | None:
    if len(treated) < 2 or len(control) < 2:
        return None
    here = Rate(sum(spent > 0 for spent in treated), len(treated))
    there = Rate(sum(spent > 0 for spent in control), len(control))
    mine, theirs = here.share or 0.0, there.share or 0.0
    gap = mine - theirs
    each = fmean(treated) - fmean(control)
    error = Z90 * sqrt(variance(treated) / len(treated) + variance(control) / len(control))
    return Versus(
        here,
        there,
        gap,
        gap - sqrt((mine - here.low) ** 2 + (there.high - theirs) ** 2),  # Newcombe
        gap + sqrt((here.high - mine) ** 2 + (theirs - there.low) ** 2),
        each,
        each - error,
        each + error,
    )


def _topics(now: datetime) -> list[dict[str, Any]]:
    """What customers wanted this week, beside the week before; the most wanted first."""
    week = timedelta(days=7)
    said = Message.objects.filter(
        sender=Message.Sender.CUSTOMER, created_at__gt=now - 2 * week, created_at__lte=now
    )
    counted: Any = (
        said.annotate(intent=KT("payload__intent__name"))
        .filter(intent__isnull=False)
        .order_by()
        .values("intent")
        .annotate(
            now=Count("pk", filter=Q(created_at__gt=now - week)),
            before=Count("pk", filter=Q(created_at__lte=now - week)),
        )
    )
    return sorted(counted, key=lambda row: (-row["now"], row["intent"]))[:TOPICS]


def _plus(moment: F | OuterRef, span: timedelta) -> "ExpressionWrapper[Any]":
    return ExpressionWrapper(moment + span, output_field=DateTimeField())
