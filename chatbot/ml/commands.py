"""The closed set of things a message can ask the dialogue to do, and the acts it can answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHOPPING: tuple[str, ...] = (
    *("category", "exclude_category", "brand", "exclude_brand", "product", "color"),
    *("price_min", "price_max", "price_near", "relative", "feature", "size", "recipient"),
)
CONSTRAINTS = tuple(s for s in SHOPPING if s not in ("category", "exclude_category", "product"))
GOODS = ("category", "brand", "product")
OF_ORDERS = ("order_id", "date", *GOODS)
RELEVANT: dict[str, tuple[str, ...]] = {  # which entities belong to which intent
    "recommend": SHOPPING,
    "refine": SHOPPING,
    "select": (*GOODS, "ordinal", "relative", "color", "size", "feature"),
    "product_info": (*GOODS, "ordinal", "relative", "color", "size", "feature", "aspect"),
    "compare": (*GOODS, "ordinal", "relative", "aspect", "feature"),
    "coupon": GOODS,
    "add_to_cart": (*GOODS, "ordinal", "relative", "color", "size", "feature", "quantity"),
    "why": ("ordinal", "product"),
    "order_status": (*OF_ORDERS, "aspect"),
    "cancel_order": OF_ORDERS,
    "change_order": (*OF_ORDERS, "size", "color", "recipient"),
    "return_request": (*OF_ORDERS, "return_type", "size", "color"),
    "faq": GOODS,
    "complaint": ("order_id", *GOODS),
    "unsubscribe": ("channel",),
    "subscribe": ("channel",),
    "feedback_pos": ("ordinal", *GOODS),
    "feedback_neg": ("ordinal", *GOODS),
    "inform": (*SHOPPING, "order_id", "date", "ordinal", "quantity", "return_type", "channel"),
}


@dataclass(frozen=True)
class Command:
    """One thing to do. `kind` is an intent's name, or one of the resolver's own:
    set_slot, confirm, stop, silence, clarify."""

    kind: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Act:
    """One thing the bot says or does. `effect` names a write that the caller performs."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    products: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    effect: str = ""


@dataclass(frozen=True)
class Reading:
    """A message in its context: the intent as it is reported, and what to do about it."""

    intent: str
    confidence: float
    slots: Mapping[str, Any]
    commands: tuple[Command, ...]


def relevant(intent: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    """The entities that belong to this intent; small talk has none."""
    allowed = RELEVANT.get(intent, ())
    return {slot: value for slot, value in slots.items() if slot in allowed}
