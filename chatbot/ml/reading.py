"""What readers of a message share: how sure is sure, and what a reading is made of."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Callable

from chatbot.ml import people
from chatbot.ml.commands import Command, Reading, relevant
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory

SURE = 0.45


STRONG = 0.6


VERY_SURE = 0.75


NO_DOUBT = 0.9


OF_ORDERS = ("order_status", "cancel_order", "change_order", "return_request")


FLOW_INTENTS = (*OF_ORDERS, "unsubscribe", "subscribe", "privacy_request")


ACTIONABLE = (*FLOW_INTENTS, "faq", "coupon", "recommend", "add_to_cart", "compare", "human", "why")


SHORT = 40  # characters


BARE = 6  # characters around a slot value that make it no sentence of its own


ELLIPSIS = re.compile(
    r"^(?:那|那么|还有)|呢[?？。]*$|^(?:and|what about|how about)\b", re.IGNORECASE
)


SEARCHES = re.compile(
    r"推荐|想买|看看|想看|有没有|来个|\b(?:show me|looking for|recommend|suggest|buy|find me|do you (?:have|sell))\b",
    re.IGNORECASE,
)


BOUGHT = re.compile(
    r"(?:上次|之前|前几天|昨天|刚|上周|上个月)?(?:买的|买[大小错多重]?了|下单的|收到的|到的)|\b(?:bought|ordered|received|purchased)\b|\bI(?:\'ve)? got\b|\bgot (?:it|this|them|mine|last|yesterday)\b",
    re.IGNORECASE,
)


ADDRESS = re.compile(
    r"[省市区县镇路街巷弄号栋室楼]|\d+\s+\w+|\b(?:street|st|road|rd|avenue|ave|lane|drive|dr|square|building|flat|apt|apartment|room|floor)\b",
    re.IGNORECASE,
)
IF = re.compile(r"要是|如果|假如|万一|的话|\b(?:what )?if\b", re.IGNORECASE)  # nothing happened yet
ANOTHER = re.compile(
    r"另(?:外)?(?:一)?[单个笔]|还有一?[单个笔]|别的(?:订)?单|\banother (?:order|one)\b|\balso (?:got|have) an order\b|\bdifferent order\b",
    re.IGNORECASE,
)


LOOKS_UP = re.compile(
    r"[查看]一?[下查看]|到哪|\b(?:where|status|track|check|look up)\b", re.IGNORECASE
)
GOES_TO = re.compile(
    r"(?:寄到|送到|发到|改到|地址(?:改成|改为|换成|是|为)[:：]?|\b(?:address )?to:?\s)\s*(.{6,})$",
    re.IGNORECASE,
)


Reader = Callable[[Heard, Memory], Reading | None]


def read(intent: str, heard: Heard, *commands: Command, confidence: float | None = None) -> Reading:
    """A reading of the whole message as this intent."""
    slots = relevant(intent, heard.slots)
    sure = confidence if confidence is not None else chance_of(heard, intent)
    wanted = {**slots, "another": True} if ANOTHER.search(heard.text) else slots
    if intent == "change_order":
        wanted = {**wanted, **_new_address(heard.text)}
    told = wanted if intent in OF_ORDERS else slots
    return Reading(intent, sure, slots, commands or (Command(intent, told, heard.text),))


def _new_address(text: str) -> dict[str, str]:
    """Where an order is to go instead, or to whom, where the message says so itself."""
    if name := people.new_name(text):
        return {"name": name}
    match = GOES_TO.search(text)
    return {"address": match[1].strip()} if match and ADDRESS.search(match[1]) else {}


def chance_of(heard: Heard, intent: str) -> float:
    return max(dict(heard.guess.intents).get(intent, 0.0), SURE)


def is_bare(heard: Heard) -> bool:
    """Nothing but the value and a few words around it."""
    named = sum(e.end - e.start for e in heard.entities)
    return len(heard.text) - named <= BARE * (3 if heard.language == "en" else 1)
