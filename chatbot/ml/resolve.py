"""A message in its context: from what was heard and what is remembered to commands.

The order matters and is told by the names of `READERS`: the first that has something to
say decides.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re

from chatbot.ml import keywords
from chatbot.ml.commands import Command, Reading, relevant
from chatbot.ml.entities import Entity
from chatbot.ml.flowtalk import awaited_slot, confirmation, short_answers
from chatbot.ml.goodstalk import (
    a_code,
    goods,
    still_coupons,
    turned_down,
    two_products,
    what_was_asked_for,
)
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.ordertalk import order_number, the_order_in_focus
from chatbot.ml.reading import (
    ACTIONABLE,
    BOUGHT,
    ELLIPSIS,
    NO_DOUBT,
    OF_ORDERS,
    SHORT,
    SURE,
    VERY_SURE,
    Reader,
    read,
)
from chatbot.ml.subscribing import SPARES
from chatbot.ml.undoing import take_back
from crm.ml.text import CHINESE

KEEPS = re.compile(r"留着|保留|别退|\b(?:keep|leave)\b", re.IGNORECASE)
NO_LONGER = re.compile(
    r"不(?:想)?要了|\b(?:don'?t|do not|no longer) (?:want|need)\b", re.IGNORECASE
)
ASKS = re.compile(
    r"[?？吗么嘛]|^(?!.*没).*呢|不\W*$|没\W*$|怎|咋|多[久少长大]|几|哪|什么|啥|谁|能不能|可不可以|是否|有没有"
    r"|\b(?:how|what|when|where|which|who|why|can|could|do|does|did|is|are|will|would|may)\b",
    re.IGNORECASE,
)
AN_ORDER = re.compile(
    r"订单|单号|快递|包裹|物流|我的|\b(?:orders?|parcel|package|shipment|my|where|track)\b",
    re.IGNORECASE,
)
UNSAFE_LIKELY = 0.6


UNSAFE_SURE = 0.85  # of the classifier alone; the words of keywords.UNSAFE need no second


def resolve(heard: Heard, memory: Memory) -> Reading:
    """The intent in context and the commands it leads to. Never empty."""
    for reader in READERS:
        reading = reader(heard, memory)
        if reading is not None:
            return reading
    raise AssertionError("the last reader always answers")


def staff_has_it(heard: Heard, memory: Memory) -> Reading | None:
    if memory.owner != "staff":
        return None
    intent = keywords.near_certain(heard.text) or heard.guess.name
    return read(intent, heard, Command("silence"))


def attack(heard: Heard, memory: Memory) -> Reading | None:
    sure = heard.guess.confidence >= UNSAFE_SURE and heard.guess.known >= heard.threshold
    shops = {"category", "brand", "product"} & set(heard.slots)
    guessed = heard.guess.name == "unsafe" and sure and not shops
    return read("unsafe", heard, confidence=0.99) if heard.unsafe or guessed else None


def two_wishes(heard: Heard, memory: Memory) -> Reading | None:
    """A message whose parts want different things: the first is reported, all are done."""
    wishes = _wishes_of(heard)
    names = set(wishes)
    if len(wishes) < 2 or names <= {"faq", *OF_ORDERS} and len(names & set(OF_ORDERS)) > 1:
        return None
    one = _one_after_all(wishes, heard)
    if one is not None:
        return read(one, heard) if one else None
    return read(next(iter(wishes)), heard, *wishes.values())


def _wishes_of(heard: Heard) -> dict[str, Command]:
    """Intent -> what to do, for each part that surely wants something, in order."""
    wishes: dict[str, Command] = {}
    for (text, guess), entities in zip(heard.clauses, heard.clause_entities, strict=True):
        name = keywords.near_certain(text) or guess.name
        sure = guess.confidence >= VERY_SURE and guess.known >= heard.threshold
        if name in ACTIONABLE and sure and not _is_no_wish(name, text, entities):
            part = Heard(text, heard.language, guess, entities)
            wishes.setdefault(name, Command(name, relevant(name, part.slots), text))
    return wishes


def _one_after_all(wishes: dict[str, Command], heard: Heard) -> str | None:
    """The intent of a message whose parts belong together; empty where the message as a whole
    has to be read; None where they are two wishes."""
    names = set(wishes)
    if {"subscribe", "unsubscribe"} <= names:
        return ""  # "I had unsubscribed, and want it again"
    if names == {"unsubscribe", "coupon"} and SPARES.search(heard.text):
        return ""  # "no more mails, but keep the offers"
    if list(wishes)[-1] == "add_to_cart" and names == {"recommend", "add_to_cart"}:
        return ""  # "I want this phone, I'll take it"
    if names == {"recommend", "coupon"}:
        return "coupon"
    of_order = names & {"cancel_order", "return_request", "change_order"}
    if "faq" in names and len(names) == 2 and of_order and not ASKS.search(wishes["faq"].text):
        return of_order.pop()  # "not paid yet, so cancel it" asks nothing about paying
    if "recommend" in names and len(of_order) == 1 and "order_id" not in heard.slots:
        intent = of_order.pop()  # "that phone, not paid yet: cancel it" names the order's goods
        return None if {"category", "brand", "product"} & set(wishes[intent].slots) else intent
    return None


def _is_no_wish(name: str, text: str, entities: tuple[Entity, ...]) -> bool:
    """Parts of a message that only sound like a wish of their own."""
    if name in ("recommend", "add_to_cart"):
        named = {e.slot for e in entities}
        turned_down = named and named <= {"exclude_category", "exclude_brand"}
        over = BOUGHT.search(text) or NO_LONGER.search(text)
        return bool(over or "order_id" in named or turned_down)
    if name == "unsubscribe":
        return any(e.slot == "order_id" for e in entities)  # "don't send that order"
    if name == "human":
        return not keywords.near_certain(text)
    return name == "faq" and len(text) < (5 if CHINESE.search(text) else 10)


def near_certain(heard: Heard, memory: Memory) -> Reading | None:
    name = keywords.near_certain(heard.text)
    if name == "unsubscribe" and "order_id" in heard.slots:
        return None  # 别发了 of an order is no word about messages
    if "channel" in heard.slots and keywords.AGAIN.search(heard.text):
        name = "subscribe"
    if not name and keywords.GOODBYE.search(heard.text) and not heard.slots:
        name = "goodbye" if len(heard.text) < SHORT else ""
    return read(name, heard, confidence=0.97) if name else None


def another_channel(heard: Heard, memory: Memory) -> Reading | None:
    """ "And the texts too", after one channel was stopped or started."""
    same = memory.topic in ("unsubscribe", "subscribe") and "channel" in heard.slots
    told = heard.guess.name in ("subscribe", "unsubscribe") and not ELLIPSIS.search(heard.text)
    told = told and heard.guess.confidence >= VERY_SURE
    if not same or told or len(heard.text) > SHORT:
        return None
    return read("subscribe" if KEEPS.search(heard.text) else memory.topic, heard)


ASKED_ON = ("faq", "out_of_scope", "return_request", "coupon", "refine", "change_order")


def ellipsis(heard: Heard, memory: Memory) -> Reading | None:
    """ "And shipping abroad?" after a question is a question of the same kind."""
    if memory.topic != "faq" or not ELLIPSIS.search(heard.text) or len(heard.text) > 40:
        return None
    of_no_order = heard.guess.name == "order_status" and not (
        memory.order or AN_ORDER.search(heard.text)
    )
    if heard.guess.name in ASKED_ON or of_no_order:
        return read("faq", heard, Command("faq", {"lenient": True}, heard.text))
    return None


def by_intent(heard: Heard, memory: Memory) -> Reading:
    """The classifier's word, if it is sure enough; otherwise the question book, then a question."""
    name, sure = heard.guess.name, heard.guess.confidence
    unclear = Command("clarify", {"best": _two_best(heard)}, heard.text)
    if name == "out_of_scope" or (heard.guess.known < heard.threshold and sure < VERY_SURE):
        return read("out_of_scope", heard, unclear)
    if name == "faq" and sure >= NO_DOUBT:
        return read(name, heard, Command("faq", {"lenient": True}, heard.text))
    if sure < SURE / 2 or (name == "unsafe" and sure < UNSAFE_LIKELY):
        return read(name if name != "unsafe" else "out_of_scope", heard, unclear)
    if name == "complaint" and "ordinal" in heard.slots and memory.shown:
        return read("feedback_neg", heard)
    if name in MAY_BE_QUESTIONS and not {"product", "ordinal", "order_id"} & set(heard.slots):
        slots = {"then": name, "sure": sure >= VERY_SURE, **relevant(name, heard.slots)}
        return read(name, heard, Command("unsure", slots, heard.text))
    return read(name, heard)


def _two_best(heard: Heard) -> list[str]:
    return [name for name, _ in heard.guess.intents if name not in ("out_of_scope", "unsafe")][:2]


MAY_BE_QUESTIONS = ("chitchat", "complaint", "repeat", "human", "coupon", "compare", "unsafe")


READERS: tuple[Reader, ...] = (
    staff_has_it,
    attack,
    take_back,
    two_wishes,
    near_certain,
    confirmation,
    awaited_slot,
    the_order_in_focus,
    short_answers,
    order_number,
    what_was_asked_for,
    another_channel,
    two_products,
    ellipsis,
    still_coupons,
    a_code,
    turned_down,
    goods,
    by_intent,
)
