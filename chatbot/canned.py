"""What staff say often, ready for the answer box: words filled in, never sent by itself."""

from typing import Any

from django.contrib.auth.models import User

from chatbot.models import CannedAnswer, Conversation
from crm.models import Order

MOST = 200
NOBODY = {"zh": "您", "en": "there"}


def for_chat(chat: Conversation, staff: User) -> list[dict[str, str]]:
    """Every canned answer in the customer's language, its placeholders filled in."""
    words = _words(chat, staff)
    rows = CannedAnswer.objects.filter(is_active=True).order_by("shortcut")[:MOST]
    return [
        {"shortcut": row.shortcut, "text": filled(row.text_in(chat.language), words)}
        for row in rows
        if row.text_in(chat.language)
    ]


def filled(text: str, words: dict[str, str]) -> str:
    """Only the known names are filled in; other braces stay as they are, and nothing is run."""
    for name, word in words.items():
        text = text.replace("{" + name + "}", word.replace("{", "").replace("}", ""))
    return text


def _words(chat: Conversation, staff: User) -> dict[str, str]:
    newest: Any = Order.objects.filter(customer=chat.customer_id, is_refund=False)
    order = newest.order_by("-placed_at", "-id").first()
    return {
        "name": chat.customer.name or NOBODY.get(chat.language, NOBODY["en"]),
        "agent": staff.get_full_name() or staff.get_username(),
        "order": order.number if order and chat.is_verified else "…",
    }
