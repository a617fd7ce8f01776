"""The staff's inbox as data: one conversation whole, and a correction in one click."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.formats import localize
from django.utils.timezone import localtime

from chatbot.models import Conversation, Example, Message
from crm.models import Customer, Order

UNSURE = 0.6
NEWEST = 300


class NothingToCorrect(Exception):
    """Only what customers wrote can be corrected."""


def snapshot(conversation: Conversation, *, after: int = 0) -> dict[str, Any]:
    """State and messages after a number, as the page polls them."""
    found = conversation.messages.after(after)
    if not after:
        found = found.filter(seq__gt=max(0, conversation.last_seq - NEWEST))
    return {
        "state": conversation.state,
        "state_label": conversation.get_state_display(),
        "assigned_to": str(conversation.assigned_to or ""),
        "messages": [_row(message) for message in found[:NEWEST]],
    }


def _row(message: Message) -> dict[str, Any]:
    intent = message.payload.get("intent") or {}
    is_customer = message.sender == Message.Sender.CUSTOMER
    return {
        "id": message.pk,
        "seq": message.seq,
        "sender": message.sender,
        "sender_label": message.get_sender_display(),
        "text": message.text,
        "at": localize(localtime(message.created_at)),
        "intent": intent.get("name", "") if is_customer else "",
        "confidence": message.confidence,
        "unsure": is_customer and message.confidence is not None and message.confidence < UNSURE,
        "acts": message.payload.get("act", []),
        "products": [p.get("title", "") for p in message.payload.get("products", [])],
        "rating": message.rating,
    }


@transaction.atomic
def correct(message: Message, *, intent: str, now: datetime) -> Example:
    """Teach what a message really wanted; the next training learns from it."""
    if message.sender != Message.Sender.CUSTOMER:
        raise NothingToCorrect("only what customers wrote can be corrected")
    example, _ = Example.objects.update_or_create(
        text=message.text[:500],
        defaults={
            "intent": intent,
            "language": message.language or "en",
            "source": Example.Source.CORRECTION,
            "created_at": now,
        },
    )
    return example


def beside(customer: Customer) -> dict[str, Any]:
    """Who the customer is, for the column beside the chat: a fixed number of queries."""
    orders = Order.objects.filter(customer=customer).order_by("-placed_at", "-id")[:5]
    return {
        "customer": customer,
        "orders": list(orders),
        "cart": list(customer.cart.select_related("product").order_by("-added_at")[:5]),
        "scores": list(customer.scores.order_by("name")[:8]),
        "segments": [
            m.segment for m in customer.memberships.select_related("segment").order_by("id")[:8]
        ],
        "consents": list(customer.consents.select_related("topic").order_by("channel")[:8]),
    }
