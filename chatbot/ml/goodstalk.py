"""Talk about goods and coupons: a search, a choice, a comparison, what was asked for."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re

from chatbot.ml.commands import Command, Reading, relevant
from chatbot.ml.entities import ASIDE as SAID_ASIDE
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.ordertalk import VERBS
from chatbot.ml.reading import (
    BOUGHT,
    FLOW_INTENTS,
    IF,
    OF_ORDERS,
    SEARCHES,
    SHORT,
    VERY_SURE,
    is_bare,
    read,
)
from chatbot.ml.shoptalk import beside_one, shopping_intent

ABOUT_COUPONS = re.compile(
    r"张|券|过期|到期|失效|有效期|\bexpir|\brun out\b|能用|可以用|适用|折|\b(?:use|valid|apply|applies|works?|code|coupons?|vouchers?|which one)\b",
    re.IGNORECASE | re.ASCII,
)


COMPARES = re.compile(
    r"区别|对比|比较|比一?[下比]|怎么选|怎么样|哪个|哪款|还是|不同|差别"
    r"|\b(?:vs|versus|or|than|compare|compared|difference|differ|better|against|stack up|between)\b",
    re.IGNORECASE | re.ASCII,
)


ASIDE = ("goods", *SAID_ASIDE)
CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{3,}\d{1,3}(?![A-Za-z0-9])")
INTO_CART = re.compile(
    r"购物车|加购|下单|来[一两三]|\b(?:cart|basket|buy|take)\b", re.IGNORECASE | re.ASCII
)


EXPIRES = re.compile(r"过期|到期|失效|有效期|\bexpir|\brun out\b", re.IGNORECASE)
MAY_MEAN_COUPONS = (
    *("recommend", "coupon", "inform", "refine", "out_of_scope", "product_info"),
    *("order_status", "faq"),
)


NEW_ONE = re.compile(
    r"(?:换|买|来|入手|挑|要)(?:[个台部双件条块副款支]|一[个台部双件条块副款支])?新|想换[个台部双件条块副款支]|该换"
    r"|\b(?:need|want|looking for|after|get|buy)(?: me)? (?:an? )?(?:new|replacement)\b",
    re.IGNORECASE,
)
NEED_A_PRODUCT = ("add_to_cart", "compare", "why")


FIRM = ("faq", "human", "greet", "thanks", "goodbye", *FLOW_INTENTS)


CONTRASTS = re.compile(
    r"区别|对比|比较|比一?[下比]|不同|差别|哪个(?:更)?好|哪家好|比.{0,6}好|\b(?:vs|versus|compared?|difference|differ|better|against|stack up)\b",
    re.IGNORECASE | re.ASCII,
)


def two_products(heard: Heard, memory: Memory) -> Reading | None:
    """Two products, or the goods of two brands, beside each other."""
    if _several(heard.slots.get("product")) and COMPARES.search(heard.text):
        return read("compare", heard)
    brands = _several(heard.slots.get("brand")) or {"product", "brand"} <= set(heard.slots)
    return read("compare", heard) if brands and CONTRASTS.search(heard.text) else None


def _several(named: object) -> bool:
    return isinstance(named, list) and len(named) > 1


def what_was_asked_for(heard: Heard, memory: Memory) -> Reading | None:
    """The bot asked which kind, or which product: here it is, whatever it sounds like."""
    slots = heard.slots
    if {"order_id", "return_type"} & set(slots) or len(heard.text) > SHORT:
        return None
    searching = memory.last_act in ("show_products", "no_result") and memory.frame
    open_search = searching and "category" not in memory.frame and not BOUGHT.search(heard.text)
    if "category" in slots and (memory.last_act == "ask_category" or open_search):
        intent = "inform" if is_bare(heard) else "refine" if memory.frame else "recommend"
        values = relevant("refine", slots)
        return read(intent, heard, Command("refine", values, heard.text))
    told = memory.last_act == "ask_product" and {"product", "ordinal"} & set(slots)
    if told and memory.topic in NEED_A_PRODUCT and heard.guess.name not in FIRM:
        values = relevant(memory.topic, slots)
        return read("inform", heard, Command(memory.topic, values, heard.text))
    return None


def goods(heard: Heard, memory: Memory) -> Reading | None:
    """Talk about products, where context decides between searching, narrowing and choosing."""
    told = {"order_id", "date"} & set(heard.slots)
    if "return_type" in heard.slots and IF.search(heard.text) and not told:
        return read("faq", heard, Command("faq", {"lenient": True}, heard.text))
    if "return_type" in heard.slots and _wants_back(heard) and not _looks_further(heard, memory):
        return read("return_request", heard)
    if anew := _anew(heard, memory):
        return read(anew, heard)
    intent = shopping_intent(heard, memory)
    if not intent:
        return None
    reported = intent
    if intent == "recommend" and memory.last_act == "ask_category" and is_bare(heard):
        reported = "inform"
    slots = dict(relevant(intent, heard.slots))
    slots |= {name: heard.slots[name] for name in ASIDE if name in heard.slots}
    if heard.implied_category and "category" not in slots:
        slots["implied_category"] = heard.implied_category
    if intent == "recommend" and slots.keys() <= {"recipient"}:  # "could you wrap it as a present?"
        asked = {"then": intent, "sure": heard.guess.confidence >= VERY_SURE}
        return read(reported, heard, Command("unsure", asked, heard.text))
    return read(reported, heard, Command(intent, slots, heard.text))


def _anew(heard: Heard, memory: Memory) -> str:
    """recommend or refine, where words say that something else is looked for; empty otherwise."""
    if _looks_further(heard, memory):
        return "recommend" if "category" in heard.slots else "refine"
    return "recommend" if any(looks(heard) for looks in NEW_SEARCHES) else ""


def _wants_back(heard: Heard) -> bool:
    if BOUGHT.search(heard.text):
        return heard.guess.name not in ("faq", "refine")
    return heard.guess.name in ("return_request", "inform") and is_bare(heard)


def _looks_further(heard: Heard, memory: Memory) -> bool:
    """ "Make it a light laptop then" (换成…): another search, nothing to give back."""
    return bool(
        memory.shown
        and {"category", "brand"} & set(heard.slots)
        and "order_id" not in heard.slots
        and re.search(r"换成|\binstead\b", heard.text)
        and not BOUGHT.search(heard.text)
    )


def _wants_new(heard: Heard) -> bool:
    """ "My phone broke, I want a new one": nothing of that was bought here."""
    mended = heard.guess.name in ("return_request", "complaint", "faq")
    told = {"order_id", "return_type", "date"} & set(heard.slots)
    return (
        mended
        and "category" in heard.slots
        and not told
        and NEW_ONE.search(heard.text) is not None
        and not BOUGHT.search(heard.text)
    )


def _only_looks(heard: Heard) -> bool:
    """ "Solved, thanks; now show me tablets": a search, though it sounds like an order."""
    told = {"order_id", "return_type", "date"} & set(heard.slots)
    return (
        heard.guess.name in (*OF_ORDERS, "human", "complaint")
        and "category" in heard.slots
        and not told
        and SEARCHES.search(heard.text) is not None
        and not BOUGHT.search(heard.text)
        and not any(verb.search(heard.text) for _, verb in VERBS)
    )


def a_code(heard: Heard, memory: Memory) -> Reading | None:
    """ "Does SPRING50 work for this?": a code that is no product's and no order's."""
    if {"product", "order_id"} & set(heard.slots) or not CODE.search(heard.text):
        return None
    return read("coupon", heard) if ABOUT_COUPONS.search(heard.text) else None


def turned_down(heard: Heard, memory: Memory) -> Reading | None:
    """ "No Nike, I have a pair": who leaves something out while searching puts nothing in a cart."""
    leaves_out = {"exclude_brand", "exclude_category"} & set(heard.slots)
    if heard.guess.name != "add_to_cart" or not leaves_out or not memory.shown:
        return None
    return None if INTO_CART.search(heard.text) else read("refine", heard)


def still_coupons(heard: Heard, memory: Memory) -> Reading | None:
    """Coupons were the subject, and something to use them for is named."""
    short = len(heard.text) < 30 and re.search(r"\bfor\b|的吗|呢", heard.text)
    about = ABOUT_COUPONS.search(heard.text) or CODE.search(heard.text)
    if memory.topic != "coupon" or not (about or short):
        return None
    searches = heard.guess.name == "recommend" and SEARCHES.search(heard.text)
    may = heard.guess.name in MAY_MEAN_COUPONS and not (searches and "category" in heard.slots)
    may = may or bool(EXPIRES.search(heard.text))
    return read("coupon", heard) if may else None


NEW_SEARCHES = (_only_looks, _wants_new, beside_one)
