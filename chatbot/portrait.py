"""The chats of a customer, as a part of the customer page."""

from typing import Any

from django.db.models import Q

from chatbot.models import Conversation, Message
from crm import portrait
from crm.models import Customer

MOST = 5


def register() -> None:
    portrait.register(portrait.Panel("chats", "chatbot/portrait_chats.html", build, order=60))


def build(customer: Customer) -> dict[str, Any]:
    """The newest chats with their last message: two queries, however many there are."""
    chats = list(
        Conversation.objects.filter(customer=customer).order_by("-updated_at", "-id")[:MOST]
    )
    newest = Q(pk=None)
    for chat in chats:
        newest |= Q(conversation=chat, seq=chat.last_seq)
    texts = {message.conversation_id: message for message in Message.objects.filter(newest)}
    return {"chats": [{"chat": chat, "last": texts.get(chat.pk)} for chat in chats]}
