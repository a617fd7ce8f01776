"""Hand what customers write in the chat to the CRM, which makes sense of it."""

from collections.abc import Iterable

from chatbot import seeds
from chatbot.models import Message
from crm import opinions
from crm.ml.needs import OF_INTENT
from crm.models import Event, Opinion
from crm.opinions import Said

SHORTEST = 4  # characters: "ok" and "1" say nothing


def note_event(event: Event) -> int:
    """The message that a `chatbot.message_received` tells of."""
    data = event.data
    said = Message.objects.filter(
        conversation__public_id=data.get("conversation"), seq=data.get("seq") or 0
    )
    return note(said.select_related("conversation"))


def note(messages: Iterable[Message]) -> int:
    """Customers' messages that say something; return how many were handed over."""
    return opinions.note(
        _said(message)
        for message in messages
        if message.sender == Message.Sender.CUSTOMER and len(message.text) >= SHORTEST
    )


def examples() -> list[tuple[str, str]]:
    """The shipped sentences whose intent says what somebody needs, for the CRM to learn from."""
    return [
        (seed.text, OF_INTENT[seed.intent]) for seed in seeds.examples() if seed.intent in OF_INTENT
    ]


def _said(message: Message) -> Said:
    return Said(
        customer_id=message.conversation.customer_id,
        source=Opinion.Source.CHAT,
        key=f"message:{message.pk}",
        text=message.text,
        language=message.language,
        heard_as=(message.payload.get("intent") or {}).get("name") or "",
        at=message.created_at,
    )
