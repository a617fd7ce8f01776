"""Thin: what the clock and the outbox ask of the conversation."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from chatbot import conversation
from chatbot.models import Message

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
