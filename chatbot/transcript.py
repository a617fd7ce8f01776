"""The transcript of a chat: who said what, with numbers that have no gaps.

A number is given while the conversation's row is locked, by the statement that raises it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from chatbot import wakeups
from chatbot.models import Conversation, Message
from crm.prepared import Changed, Inserted, Prepared

NUMBERED = Changed(
    Conversation,
    "updated_at",
    raised="last_seq",
    returned=("public_id", "customer", "is_verified", "state", "language", "last_seq"),
)
MOVED = Changed(Conversation, "last_seq", "updated_at", "memory", "language", "state")
REMEMBERED = Changed(Conversation, "memory", "language", "state")
COLUMNS = (  # as the model has them
    *("conversation_id", "seq", "client_id", "sender", "author_id", "text"),
    *("language", "payload", "confidence", "rating", "comment", "created_at"),
)
WRITTEN = Inserted(Message, *COLUMNS)
LOCKED = Prepared(
    lambda pk: (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("customer")
        .filter(pk=pk)
    ),
    pk=int,
)


@dataclass(frozen=True)
class Saying:
    """Something to be said by somebody, before it has a number."""

    sender: str
    text: str
    language: str = ""
    client_id: str = ""
    author: User | None = None
    payload: dict[str, Any] = field(default_factory=dict)


class _SaidBefore(Exception):
    """The conversation has a message with this `client_id`."""


def locked(conversation_id: int) -> Conversation:
    """The conversation with its customer; nobody else changes it before the commit."""
    found: Conversation | None = LOCKED.first(pk=conversation_id)
    if found is None:
        raise Conversation.DoesNotExist(conversation_id)
    return found


def append(conversation_id: int, saying: Saying, *, now: datetime) -> Message:
    """Store what was said; the same `client_id` again returns the stored message."""
    try:
        with transaction.atomic():
            chat = NUMBERED.row(conversation_id, now)
            if chat is None:
                raise Conversation.DoesNotExist(conversation_id)
            return _written(chat, saying, now=now)
    except _SaidBefore:  # the number that was taken for it went back
        known = Message.objects.select_related("conversation")
        return known.get(conversation=conversation_id, client_id=saying.client_id)


def store(conversation: Conversation, saying: Saying, *, now: datetime) -> Message:
    """The same for a conversation that the caller has locked, with what else it learned: memory,
    language and state."""
    conversation.last_seq += 1
    conversation.updated_at = now
    MOVED.row(
        conversation.pk,
        conversation.last_seq,
        now,
        conversation.memory,
        conversation.language,
        conversation.state,
    )
    return _written(conversation, saying, now=now)


def remember(conversation: Conversation) -> None:
    """What a turn without a word changes of a conversation that the caller has locked."""
    REMEMBERED.row(conversation.pk, conversation.memory, conversation.language, conversation.state)


def _written(conversation: Conversation, saying: Saying, *, now: datetime) -> Message:
    author = saying.author.pk if saying.author else None
    language = saying.language or conversation.language
    said = (conversation.last_seq, saying.client_id, saying.sender, author, saying.text)
    values = (conversation.pk, *said, language, saying.payload, None, None, "", now)
    pk = WRITTEN.new(*values)
    if pk is None:
        raise _SaidBefore
    message = Message.from_db(connection.alias, ("id", *COLUMNS), (pk, *values))
    message.conversation = conversation
    transaction.on_commit(lambda: wakeups.wake(conversation.pk, message), robust=True)
    return message
