"""Who of those present shall look after a waiting chat. A suggestion with a name on it: anybody
may still take it, and `staffing` alone decides who has it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from chatbot import presence
from chatbot.models import Conversation, Message, Presence

State = Conversation.State
SLOW = timedelta(minutes=3)  # after which a chat goes to somebody else
MOST = 100  # chats at one look


def assign(chat: Conversation, *, now: datetime, but: int | None = None) -> bool:
    """Give a waiting chat to whoever present is least busy; return whether there was anybody.

    The caller holds the lock on the conversation's row.
    """
    staff = presence.least_busy(now, but=but)
    if staff is None:
        return False
    chat.assigned_to, chat.assigned_at = staff, now
    chat.save(update_fields=["assigned_to", "assigned_at"])
    Presence.objects.filter(staff=staff).update(given_at=now)
    return True


def look_after(now: datetime) -> int:
    """Give out what nobody has, and anew what somebody was too slow with; return how many."""
    if not presence.present(now).exists():
        return 0
    return sum(_again(pk, now=now) for pk in _stuck(now).values_list("pk", flat=True)[:MOST])


def left_alone(now: datetime) -> QuerySet[Conversation]:
    """Chats of somebody who is gone, whose customer has waited for an answer too long."""
    last = Message.objects.filter(conversation=OuterRef("pk")).order_by("-seq")
    return (
        Conversation.objects.filter(state=State.AGENT, updated_at__lt=now - SLOW)
        .exclude(assigned_to__in=_here(now))
        .annotate(last=Subquery(last.values("sender")[:1]))
        .filter(last=Message.Sender.CUSTOMER)
        .order_by("updated_at", "id")
    )


def _stuck(now: datetime) -> QuerySet[Conversation]:
    """Waiting, and given to nobody, to somebody who is gone, or to somebody too slow."""
    gone = Q(assigned_to=None) | ~Q(assigned_to__in=_here(now))
    return Conversation.objects.waiting_for_staff().filter(gone | Q(assigned_at__lt=now - SLOW))


def _here(now: datetime) -> list[int]:
    return list(presence.present(now).values_list("staff_id", flat=True))


@transaction.atomic
def _again(pk: int, *, now: datetime) -> bool:
    """Looked at once more under the lock: somebody may have taken it meanwhile."""
    chat = Conversation.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if chat is None or not _stuck(now).filter(pk=pk).exists():
        return False
    return assign(chat, now=now, but=chat.assigned_to_id)
