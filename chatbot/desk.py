"""The staff's desk as data: who waits, since when, and how much of it is mine."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from chatbot import assigning, presence
from chatbot.models import Conversation, Handoff, Message, Ticket
from crm.ml.rfm import LABELS
from crm.models import Order, Score

MOST = 100  # rows of the list
LANGUAGES = {"zh": _("Chinese"), "en": _("English")}
REASONS = {
    "asked": _("asked for a person"),
    "left": _("their agent went away"),
    "staff": _("taken over by staff"),
}


def beat(staff: User, *, is_away: bool | None, now: datetime) -> dict[str, Any]:
    """The open page says that its reader is there; it hears what waits."""
    if is_away is None:
        here = presence.beat(staff, now=now)
        is_away = here.is_away
    else:
        presence.set_away(staff, is_away=is_away, now=now)
    if not is_away:
        assigning.look_after(now)
    waits = Conversation.objects.waiting_for_staff().order_by()
    found = waits.aggregate(
        waiting=Count("id"),
        mine=Count("id", filter=Q(assigned_to=staff)),
        newest=Max("queued_at"),
    )
    newest = found["newest"].isoformat() if found["newest"] else ""
    return {**found, "newest": newest, "is_away": is_away, "is_open": presence.is_open(now)}


def waiting(staff: User, *, now: datetime) -> list[dict[str, Any]]:
    """Who waits, the oldest first, in a fixed number of queries."""
    chats: list[Any] = list(  # with what is annotated
        Conversation.objects.waiting_for_staff()
        .select_related("customer", "assigned_to")
        .annotate(last=_newest("text"), reason=_reason())[:MOST]
    )
    customers = [chat.customer_id for chat in chats]
    labels = dict(
        Score.objects.filter(name="rfm", customer__in=customers).values_list("customer", "label")
    )
    spent = _spent(customers)
    tickets = {
        ticket.conversation_id: ticket
        for ticket in Ticket.objects.filter(
            conversation__in=chats, kind=Ticket.Kind.CALL_BACK, state=Ticket.State.OPEN
        ).order_by("id")
    }
    return [
        {
            "id": chat.pk,
            "url": reverse("admin:chatbot_conversation_change", args=[chat.pk]),
            "customer": str(chat.customer),
            "since": chat.queued_at.isoformat() if chat.queued_at else "",
            "language": str(LANGUAGES.get(chat.language, chat.language)),
            "reason": reason_in_words(chat.reason),
            "label": label_in_words(labels.get(chat.customer_id, "")),
            "spent": spent.get(chat.customer_id, ""),
            "last": (chat.last or "")[:160],
            "assigned_to": str(chat.assigned_to or ""),
            "is_mine": chat.assigned_to_id == staff.pk,
            "ticket": tickets[chat.pk].number if chat.pk in tickets else "",
        }
        for chat in chats
    ]


def reason_in_words(reason: str | None) -> str:
    return str(REASONS.get(reason or "asked", reason or ""))


def label_in_words(slug: str) -> str:
    chinese = (get_language() or "").startswith("zh")
    names = {label.slug: label.name_zh if chinese else label.name_en for label in LABELS}
    return names.get(slug, slug)


def _newest(field: str) -> Subquery:
    said = Message.objects.filter(conversation=OuterRef("pk"), sender=Message.Sender.CUSTOMER)
    return Subquery(said.order_by("-seq").values(field)[:1])


def _reason() -> Subquery:
    handed = Handoff.objects.filter(conversation=OuterRef("pk"), closed_at=None)
    return Subquery(handed.order_by("-id").values("reason")[:1])


def _spent(customers: list[int]) -> dict[int, str]:
    rows = Order.objects.revenue().filter(customer__in=customers).order_by()
    sums = rows.values("customer", "currency").annotate(total=Sum("total"))
    best: dict[int, tuple[float, str]] = {}
    for row in sums:
        here = (float(row["total"]), row["currency"])
        best[row["customer"]] = max(best.get(row["customer"], (0.0, "")), here)
    return {pk: f"{total:,.0f} {currency}" for pk, (total, currency) in best.items() if total > 0}
