"""Who of the staff is at the desk: whose page has said so lately, and who has not stepped away."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, Q, QuerySet
from django.utils.timezone import localtime

from chatbot.models import Conversation, Presence

# Pages say so every twenty seconds; browsers let a tab in the background do it once a minute.
PRESENT_FOR = timedelta(seconds=80)
BUSY = (Conversation.State.QUEUED, Conversation.State.AGENT)


def beat(staff: User, *, now: datetime) -> Presence:
    """The page of this member of staff is open."""
    presence, _ = Presence.objects.update_or_create(staff=staff, defaults={"seen_at": now})
    return presence


def set_away(staff: User, *, is_away: bool, now: datetime) -> None:
    """Stepped away, or back; who is away is given no chats."""
    Presence.objects.update_or_create(staff=staff, defaults={"seen_at": now, "is_away": is_away})


def present(now: datetime) -> QuerySet[Presence]:
    return Presence.objects.filter(
        seen_at__gt=now - PRESENT_FOR, is_away=False, staff__is_active=True
    )


def is_attended(now: datetime) -> bool:
    """Whether somebody can be expected to answer: service hours, and a person at the desk."""
    return is_open(now) and present(now).exists()


def is_open(now: datetime) -> bool:
    """Within the service hours of CHAT_HOURS ("09:00-21:00", over midnight too); always without."""
    opening, closing = _hours(settings.CHAT_HOURS)
    at = localtime(now).time()
    if opening < closing:
        return opening <= at < closing
    return at >= opening or at < closing


def least_busy(now: datetime, *, but: int | None = None) -> User | None:
    """Whom to give the next chat: fewest chats in hand, then who waited longest for one."""
    in_hand = Count("staff__conversations", filter=Q(staff__conversations__state__in=BUSY))
    ranked = present(now).exclude(staff_id=but).annotate(in_hand=in_hand).select_related("staff")
    free = sorted(ranked, key=lambda p: (p.in_hand, p.given_at is not None, p.given_at, p.pk))
    return free[0].staff if free else None


def _hours(text: str) -> tuple[time, time]:
    if not text:
        return time.min, time.min  # nothing closes
    try:
        opening, closing = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise ImproperlyConfigured(f"CHAT_HOURS={text!r} is not like 09:00-21:00") from None
    return opening, closing
