"""The staff's inbox as data: one conversation whole, its notes, a correction in one click."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.formats import localize
from django.utils.timezone import localtime

from chatbot import act_names
from chatbot.intent_names import name_of
from chatbot.models import Conversation, Example, Handoff, Message, Note, Ticket
from chatbot.models.dialogue import UNSURE
from crm.models import Customer, Order
from recommendations import serving

NEWEST = 300


class NothingToCorrect(Exception):
    """Only what customers wrote can be corrected."""


def snapshot(conversation: Conversation, *, after: int = 0, notes_after: int = 0) -> dict[str, Any]:
    """State, messages after a number and notes after an id, as the page polls them."""
    found = conversation.messages.after(after)
    if not after:
        found = found.filter(seq__gt=max(0, conversation.last_seq - NEWEST))
    return {
        "state": conversation.state,
        "customer_read": conversation.customer_read,
        "state_label": conversation.get_state_display(),
        "assigned_to": str(conversation.assigned_to or ""),
        "snoozed_until": _moment(conversation.snoozed_until),
        "messages": [_row(message) for message in found[:NEWEST]],
        "notes": [_note(note) for note in _notes(conversation, notes_after)],
    }


def _notes(conversation: Conversation, after: int) -> list[Note]:
    newest = conversation.notes.filter(id__gt=after).select_related("author").order_by("-id")
    return list(newest[:NEWEST])[::-1]


def _note(note: Note) -> dict[str, Any]:
    return {
        "id": note.pk,
        "text": note.text,
        "author": str(note.author or ""),
        "at": _moment(note.created_at),
        "time": note.created_at.isoformat(),
    }


def _moment(at: datetime | None) -> str:
    return str(localize(localtime(at))) if at else ""


def _row(message: Message) -> dict[str, Any]:
    intent = message.payload.get("intent") or {}
    is_customer = message.sender == Message.Sender.CUSTOMER
    return {
        "id": message.pk,
        "seq": message.seq,
        "sender": message.sender,
        "sender_label": message.get_sender_display(),
        "text": message.text,
        "at": _moment(message.created_at),
        "time": message.created_at.isoformat(),
        "intent": intent.get("name", "") if is_customer else "",
        "intent_label": name_of(intent.get("name", "")),
        "confidence": message.confidence,
        "unsure": is_customer and message.confidence is not None and message.confidence < UNSURE,
        "acts": [act_names.name_of(act) for act in message.payload.get("act", [])],
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


def beside(customer: Customer, *, now: datetime) -> dict[str, Any]:
    """Who the customer is and what may come next, for the column beside the chat: a fixed number
    of queries."""
    orders = Order.objects.filter(customer=customer).order_by("-placed_at", "-id")[:5]
    return {
        "customer": customer,
        "orders": list(orders),
        "cart": list(customer.cart.select_related("product").order_by("-added_at")[:5]),
        "scores": list(customer.scores.order_by("name")[:8]),
        "segments": [
            m.segment for m in customer.memberships.select_related("segment").order_by("id")[:8]
        ],
        "tickets": list(
            Ticket.objects.filter(customer=customer, state=Ticket.State.OPEN).order_by("-id")[:5]
        ),
        "agreements": list(
            Handoff.objects.filter(conversation__customer=customer)
            .exclude(agreed="")
            .order_by("-id")[:3]
        ),
        "recommended": serving.recommend(customer, n=3, now=now, placement="inbox"),
        "consents": list(customer.consents.select_related("topic").order_by("channel")[:8]),
    }
