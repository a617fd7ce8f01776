"""Thin: what the clock and the outbox ask of the conversation."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from chatbot import conversation, listening, patience
from chatbot.models import Message
from crm.models import Event

GRACE = timedelta(seconds=15)  # a live socket answers long before


@shared_task
def answer_waiting() -> int:
    """Answer what was stored but never dealt with, as after a crash; return how many."""
    now = timezone.localtime()
    waiting = Message.objects.unanswered().filter(
        created_at__lt=now - GRACE, created_at__gt=now - timedelta(days=1)
    )
    ids = list(waiting.values_list("pk", flat=True)[:200])
    for message_id in ids:
        conversation.respond(message_id, now=now)
    return len(ids)


@shared_task
def look_after_waiting() -> dict[str, int]:
    """Chats in the queue: assigned, told how it stands, brought back; return how many of each."""
    return patience.sweep(timezone.localtime())


@shared_task
def note_opinion(*, event_id: int) -> None:
    """A customer wrote in the chat: let the CRM take down what they said."""
    event = Event.objects.filter(pk=event_id).first()
    if event is not None:
        listening.note_event(event)
