"""How far each side has read. The numbers only ever grow, and never pass the last message."""

from typing import Any

from django.db.models import F
from django.db.models.functions import Least

from chatbot.models import Conversation

WITH_STAFF = (
    Conversation.State.QUEUED,
    Conversation.State.AGENT,
    Conversation.State.SNOOZED,
)


def note(conversation_id: int, side: str, seq: int, *, with_staff: bool = False) -> int:
    """Write down that `side` (customer_read or staff_read) has read up to `seq`.

    Returns the number reached, or 0 where nothing is new. One conditional update: whoever is
    late changes nothing. `with_staff`: only where staff have the conversation; who looks over
    the bot's shoulder leaves no mark.
    """
    behind = Conversation.objects.filter(pk=conversation_id, last_seq__gt=F(side))
    behind = behind.filter(**{f"{side}__lt": seq})
    if with_staff:
        behind = behind.filter(state__in=WITH_STAFF)
    if not behind.update(**{side: Least(F("last_seq"), seq)}):
        return 0
    reached: int = Conversation.objects.values_list(side, flat=True).get(pk=conversation_id)
    return reached


def standing(conversation_id: int) -> dict[str, Any] | None:
    """The last number, the state, and how far both have read; None where there is no such chat."""
    names = ("last_seq", "state", "customer_read", "staff_read")
    row = Conversation.objects.filter(pk=conversation_id).values(*names).first()
    return {"seq": row.pop("last_seq"), **row} if row else None
