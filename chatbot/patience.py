"""What the clock does for those who wait for staff. Every step may run twice without harm."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from chatbot import assigning, conversation, presence, transcript, waiting, wakeups
from chatbot.models import Conversation, Message, Ticket

State = Conversation.State
AFTER_TICKET = timedelta(minutes=30)  # then the bot goes on: somebody will call
LONGEST = timedelta(hours=24)
MOST = 200  # chats at one look


def sweep(now: datetime) -> dict[str, int]:
    """Wake what was snoozed, give chats out anew, and let nobody wait in silence."""
    return {
        "woken": _each(_due(now), _wake, now),
        "left": _each(assigning.left_alone(now), _queue_again, now),
        "assigned": assigning.look_after(now),
        "offered": _each(_hopeless(now), _offer, now),
        "told": _each(_slow(now), _tell, now),  # not besides the offer
        "returned": _each(_forlorn(now), _give_back, now),
    }


def _each(
    found: QuerySet[Conversation], act: Callable[[Conversation, datetime], None], now: datetime
) -> int:
    """One short transaction a chat, looked at again under its lock, which everybody who changes
    a chat takes before all else."""
    done = 0
    for pk in list(found.values_list("pk", flat=True)[:MOST]):
        with transaction.atomic():
            locked = Conversation.objects.select_for_update(of=("self",))
            chat = locked.select_related("customer").filter(pk=pk).first()
            if chat is not None and found.filter(pk=pk).exists():
                act(chat, now)
                done += 1
    return done


def _due(now: datetime) -> QuerySet[Conversation]:
    return Conversation.objects.filter(state=State.SNOOZED, snoozed_until__lte=now)


def _wake(chat: Conversation, now: datetime) -> None:
    waiting.wake(chat, now=now)
    _look_again(chat)


def _queue_again(chat: Conversation, now: datetime) -> None:
    """Whoever had it is gone. A hand-over that nobody answered goes on; else a new one begins."""
    gone = chat.assigned_to_id
    handoff = chat.handoffs.open().last()
    if handoff is not None and handoff.first_answer_at is None:
        chat.handoffs.open().update(accepted_at=None, staff=None)
    else:
        chat.handoffs.open().update(closed_at=now)
        chat.handoffs.create(reason="left", requested_at=chat.updated_at)
    chat.become(State.QUEUED, None, queued_at=now)
    assigning.assign(chat, now=now, but=gone)
    _look_again(chat)


def _untold(now: datetime, *, minutes: float, **untold: None) -> QuerySet[Conversation]:
    """In the queue for so long, with an open hand-over that has not heard of it."""
    since = now - timedelta(minutes=minutes)
    found = Conversation.objects.waiting_for_staff().filter(queued_at__lte=since)
    return found.filter(handoffs__closed_at=None, handoffs__offered_at=None, **untold)


def _slow(now: datetime) -> QuerySet[Conversation]:
    return _untold(now, minutes=settings.CHAT_WAIT_TOLD, handoffs__told_at=None)


def _tell(chat: Conversation, now: datetime) -> None:
    """Once, that it takes longer; not to those who were told at once that nobody is there."""
    handoff = chat.handoffs.open().last()
    if handoff is not None:
        chat.handoffs.filter(pk=handoff.pk).update(told_at=now)
        _say(chat, waiting.tell(chat, handoff), now=now)


def _hopeless(now: datetime) -> QuerySet[Conversation]:
    """Who waits very long, or everybody as soon as nobody is there any more."""
    attended = presence.is_attended(now)
    return _untold(now, minutes=settings.CHAT_WAIT_OFFERED if attended else 0)


def _offer(chat: Conversation, now: datetime) -> None:
    """A ticket or a call back."""
    handoff = chat.handoffs.open().last()
    if handoff is not None:
        _say(chat, waiting.offer(chat, handoff, now=now), now=now)


def _forlorn(now: datetime) -> QuerySet[Conversation]:
    """Whom nobody will answer in the chat any more."""
    called = Q(
        queued_at__lte=now - AFTER_TICKET,
        tickets__kind=Ticket.Kind.CALL_BACK,
        tickets__opened_at__gte=F("queued_at"),
    )
    found = Conversation.objects.filter(state=State.QUEUED)
    return found.filter(called | Q(queued_at__lte=now - LONGEST)).distinct().order_by("id")


def _give_back(chat: Conversation, now: datetime) -> None:
    _say(chat, waiting.give_back(chat, now=now), now=now)


def _say(chat: Conversation, told: waiting.Told, *, now: datetime) -> None:
    saying = transcript.Saying(
        Message.Sender.BOT,
        told.text,
        chat.language,
        client_id=told.key,
        payload=told.payload(),
    )
    conversation.reply(chat.pk, saying, now=now)


def _look_again(chat: Conversation) -> None:
    """The open sockets show the new state."""
    transaction.on_commit(lambda: wakeups.wake(chat.pk), robust=True)
