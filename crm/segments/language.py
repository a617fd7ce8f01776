"""The language of rules: JSON, and the tree of plain parts that `parsing` makes of it.

    {"all": [rule, …]}   {"any": [rule, …]}   {"not": rule}
    {"field": "country", "op": "=", "value": "France"}
    {"field": "days_since_seen", "op": ">", "value": 30}
    {"trait": "address.city", "op": "contains", "value": "Par"}
    {"event": "crm.product_viewed", "op": ">=", "count": 3, "days": 7, "name": …,
     "where": [{"property": "category", "op": "=", "value": "phone"}]}
    {"event": …, "sum" | "average": "price", "op": ">", "value": 100}
    {"event": …, "last": "days", "op": ">", "value": 30}
    {"orders": "count" | "total" | "average" | "days_since_last", "op": ">", "value": 2,
     "days": 365, "product": sku, "category": slug, "brand": slug, "currency": "CNY"}
    {"score": "rfm", "op": ">=", "value": 4}      {"score": "rfm", "label": "at_risk"}
    {"consent": "email", "topic": "offers", "granted": true}
    {"chat": "messages" | "handoff", "intent": …, "sentiment": …, "op": ">=", "count": 1, "days": 7}
    {"message": "sent" | "opened" | "clicked", "campaign": …, "op": "=", "count": 0, "days": 14}
    {"feedback": "nps" | … | "any", "op": "<=", "value": 6, "days": 30}
    {"opinion": {"aspect": "delivery", "sentiment": "negative"}, "op": ">=", "count": 1, "days": 7}
    {"opinion": {"word": "charger"}, …}      {"interest": "category", "value": "phone", "weight": 2}
    {"segment": "slug"}   {"random": {"percent": 10, "salt": "spring"}}

`days` is a number (the last so many) or a pair (between so many and so many ago). A `!=` is the
opposite of `=`, so it is true where there is no value. `compiling` makes one query of the tree,
`sentences` words.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

COMPARISONS = ("=", "!=", ">", ">=", "<", "<=")
TEXT_OPERATORS = (*COMPARISONS, "contains", "starts with", "in", "exists")
FIELDS = ("language", "country", "name", "email", "phone", "is_known", "timezone")
AGES = {"days_since_seen": "last_seen_at", "days_since_first_seen": "first_seen_at"}
ORDER_FIGURES = ("count", "total", "average", "days_since_last")
CHATS = {"messages": "chatbot.message_received", "handoff": "chatbot.handoff_requested"}
MESSAGES = {
    "sent": "campaigns.message_sent",
    "opened": "campaigns.message_opened",
    "clicked": "campaigns.message_clicked",
    "bounced": "campaigns.message_bounced",
    "complained": "campaigns.message_complained",
    "replied": "campaigns.message_replied",
}
FEELINGS = {"positive": "pos", "neutral": "neu", "negative": "neg"}
Value = str | int | float | bool | tuple[Any, ...] | None


class BadRule(Exception):
    """The rule cannot be used; `place` says where in it and `reason` why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


@dataclass(frozen=True, kw_only=True)
class Leaf:
    where: str = field(compare=False)  # the place in the rule, for messages
    rule: "dict[str, Any]" = field(compare=False)  # the part as it was written

    @property
    def key(self) -> str:
        """The same for leaves that were written alike; 1 and true are not."""
        return version(self.rule)


@dataclass(frozen=True)
class Several:
    parts: "tuple[Part, ...]"
    all: bool  # otherwise any


@dataclass(frozen=True)
class Not:
    part: "Part"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One comparison with a value that may be missing: of a column, or inside a document."""

    path: tuple[str, ...]
    op: str
    value: Value


@dataclass(frozen=True, kw_only=True)
class Field(Leaf):
    test: Condition


@dataclass(frozen=True, kw_only=True)
class Trait(Leaf):
    test: Condition


@dataclass(frozen=True, kw_only=True)
class Age(Leaf):
    column: str
    op: str
    value: float  # days


@dataclass(frozen=True, kw_only=True)
class Window:
    """Between `near` and `far` days ago; without `far` since ever."""

    near: float = 0
    far: float | None = None


@dataclass(frozen=True, kw_only=True)
class Counted(Leaf):
    """A figure over the rows a customer has within a window, compared with a number."""

    figure: str  # count, sum, average, last
    op: str
    value: float
    window: Window


@dataclass(frozen=True, kw_only=True)
class Happened(Counted):
    kind: str
    name: str = ""
    where_data: tuple[Condition, ...] = ()
    property: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ordered(Counted):
    product: str = ""
    category: str = ""
    brand: str = ""
    currency: str = ""


@dataclass(frozen=True, kw_only=True)
class Rated(Counted):
    """Feedback of a kind with such a score: at least one."""

    kind: str
    score_op: str = ""
    score: float = 0


@dataclass(frozen=True, kw_only=True)
class Opined(Counted):
    """Said something of an aspect, or with a word in it, and felt so about it."""

    aspect: str = ""
    word: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Interested(Leaf):
    kind: str
    value: str
    weight: float  # at least


@dataclass(frozen=True, kw_only=True)
class Scored(Leaf):
    name: str
    op: str = "exists"
    value: float = 0
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreed(Leaf):
    channel: str
    topic: str
    granted: bool


@dataclass(frozen=True, kw_only=True)
class Inside(Leaf):
    slug: str


@dataclass(frozen=True, kw_only=True)
class Share(Leaf):
    percent: float
    salt: str


Part = Several | Not | Leaf


def leaves(part: Part) -> Iterator[Leaf]:
    """Every leaf, in the order of the rule."""
    return (leaf for leaf, _ in signed_leaves(part))


def signed_leaves(part: Part, wanted: bool = True) -> Iterator[tuple[Leaf, bool]]:
    """Every leaf, and whether the rule wants it to be true: under a "not" it does not."""
    if isinstance(part, Several):
        for inner in part.parts:
            yield from signed_leaves(inner, wanted)
    elif isinstance(part, Not):
        yield from signed_leaves(part.part, not wanted)
    else:
        yield part, wanted


def version(rule: Any) -> str:
    """A short mark of what a rule says: another rule, another mark."""
    text = json.dumps(rule, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
