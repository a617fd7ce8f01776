"""Products and messages as JSON for widget and inbox."""

from collections.abc import Sequence
from typing import Any

from django.urls import NoReverseMatch, reverse

from chatbot.models import Message
from chatbot.world import World

SPOKEN = (
    "act",
    "args",
    "intent",
    "entities",
    "sentiment",
    "products",
    "quick_replies",
    "reply_to",
    "source",  # the question that an answer of the help pages belongs to
)


def of(skus: Sequence[str], world: World, *, language: str) -> list[dict[str, Any]]:
    """The cards of these products, in order."""
    cards = []
    for sku in dict.fromkeys(skus):
        goods = world.product(sku)
        if goods is not None:
            cards.append(
                {
                    "id": goods.sku,
                    "title": goods.title,
                    "price": goods.price,
                    "currency": goods.currency,
                    "url": page_of(goods.sku),
                    "image": world.image_of(goods.sku),
                    "reason": goods.reason,
                }
            )
    return cards


def page_of(sku: str) -> str:
    """The product's page in the demo shop, where there is one."""
    try:
        return reverse("shop:product", args=[sku])
    except NoReverseMatch:
        return f"/?product={sku}"


def frame(message: Message) -> dict[str, Any]:
    """A message as it goes over the socket."""
    out: dict[str, Any] = {
        "type": "message",
        "seq": message.seq,
        "sender": message.sender,
        "text": message.text,
        "language": message.language,
        "created_at": message.created_at.isoformat(),
    }
    if message.client_id:
        out["client_id"] = message.client_id
    if message.sender == Message.Sender.BOT:
        out.update({name: message.payload[name] for name in SPOKEN if name in message.payload})
    if message.rating is not None:
        out["rating"] = message.rating
    return out
