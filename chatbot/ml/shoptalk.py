"""Talk about goods: is it a new search, a narrower one, a choice, or a question about one?"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from typing import Any

from chatbot.ml.commands import CONSTRAINTS
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.reading import STRONG

OPEN_TO_CONTEXT = {  # guesses that what was shown before may overrule
    *("recommend", "refine", "select", "product_info", "inform", "out_of_scope", "deny", "affirm"),
    *(
        "feedback_neg",
        "feedback_pos",
        "chitchat",
        "greet",
        "repeat",
        "faq",
        "add_to_cart",
        "compare",
        "coupon",
    ),
}
DEFINITE = re.compile(
    r"那个|那款|那双|那件|那台|那部|哪个|哪款|哪一|\bthe (?:\w+ )?(?:cheaper|cheapest|pricier|more expensive|less expensive|\w+) one\b(?!s)|\bwhich (?:one|is)\b",
    re.IGNORECASE,
)
THE_ONE = re.compile(r"(?:那|哪)[个款双件台部支把]|\bthe (?:[\w-]+ ){1,2}one\b(?!s)", re.IGNORECASE)
THE_NAMED = re.compile(r"\bthe [\w-]+(?: please| then)?\W*$", re.IGNORECASE)  # "and the iPad?"
# "A cheaper one" is looked for, "the cheaper one" is here.
ANY_SUCH = re.compile(
    r"\b(?:an?|any|some|something) (?:\w+ )?(?:cheaper|pricier|less expensive|more expensive)\b"
    r"|^(?:cheaper|pricier) ones?\b",
    re.IGNORECASE,
)
ABOUT_IT = re.compile(
    r"这个|这款|这双|这件|这台|这部|它|该款|\b(?:it|this|that|this one|that one)\b", re.IGNORECASE
)
WHAT_ABOUT = re.compile(r"呢[?？。]*$|\b(?:what|how) about\b|\binstead\b", re.IGNORECASE)
WANTS = re.compile(
    r"^(?:我?(?:只|就|想)?要|来|换成?|只看)|的$|\b(?:please|something|anything|any in|prefer|want|ones?)\b",
    re.IGNORECASE,
)
MONEY_OFF = re.compile(
    r"券|优惠|折|减|促销|活动|红包|福利|用|\b(?:coupons?|vouchers?|discounts?|codes?|deals?|off|promo\w*|sale|offers?|use|apply|valid)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"[吗么]\W*$|怎么样|如何|好不好|行不行|\b(?:is|does|has|can|how(?:'s| is| good is| are| about))\b.*",
    re.IGNORECASE,
)
MORE_THAN_ONE = re.compile(r"\bones\b|\boptions\b|哪些|几款|几个", re.IGNORECASE)
LOOKING = ("recommend", "refine", "out_of_scope", "inform", "product_info")
NOT_SHOPPING = ("faq", "add_to_cart", "compare", "coupon", "feedback_pos", "feedback_neg", "repeat")


def shopping_intent(heard: Heard, memory: Memory) -> str:
    """recommend, refine, select or product_info; empty when this is about something else."""
    name = heard.guess.name
    shops = {"category", "brand", "exclude_category"} & set(heard.slots)
    unsure = heard.guess.confidence < STRONG and _searching(memory) and _wishes(heard.slots)
    named = "product" in heard.slots and WHAT_ABOUT.search(heard.text)
    if named and "order_id" not in heard.slots:
        return "product_info"
    narrows = unsure or (name == "unsafe" and shops)  # what attacks by its words was refused before
    if name not in OPEN_TO_CONTEXT and not narrows:
        return ""
    if name == "compare" and (said := _compared(heard, memory)) is not None:
        return said
    if name in NOT_SHOPPING and heard.guess.confidence >= STRONG and not _overrules(heard, memory):
        return ""
    if _asks_about_one(heard, memory):
        return "product_info"
    if _chooses(heard, memory):
        return "select"
    return _search(heard, memory)


def _compared(heard: Heard, memory: Memory) -> str | None:
    """What a comparison comes to; None where it is to be read as anything else."""
    if _cheaper_of(heard, memory):
        return "select"
    if "brand" not in heard.slots or {"product", "ordinal"} & set(heard.slots):
        return None
    if memory.shown and ABOUT_IT.search(heard.text):
        return ""  # "this beside that Huawei"
    return "refine" if _searching(memory) else "recommend"


def beside_one(heard: Heard) -> bool:
    """ "Something like the V12, only cheaper": goods beside a product, and not that product."""
    told = {"aspect", "color", "order_id", "ordinal"} & set(heard.slots)
    wanted = heard.slots.get("relative") in ("cheaper", "pricier", "similar", "other")
    one = isinstance(heard.slots.get("product"), str)
    return one and wanted and not told and heard.guess.name in LOOKING


def _search(heard: Heard, memory: Memory) -> str:
    name, slots = heard.guess.name, heard.slots
    if "category" in slots or "exclude_category" in slots:
        return _search_or_narrow(heard, memory)
    if "goods" in slots and name in ("recommend", "out_of_scope", "inform", "refine"):
        return "recommend"
    if _wishes(slots):
        return _wish(heard, memory)
    if "product" in slots and name in ("recommend", "inform", "out_of_scope", "refine", "select"):
        wanted = name == "recommend" and not WHAT_ABOUT.search(heard.text)
        return "recommend" if wanted else "product_info"
    return _without_entities(name, heard, memory)


def _wish(heard: Heard, memory: Memory) -> str:
    """A colour, a price, a brand: narrows what is under way, or begins a search."""
    if _searching(memory):
        return "refine"
    unclear = ("chitchat", "greet", "faq", "deny", "affirm", "out_of_scope", "coupon")
    named = heard.implied_category or "brand" in heard.slots
    return "" if heard.guess.name in unclear and not named else "recommend"


def _without_entities(name: str, heard: Heard, memory: Memory) -> str:
    if heard.guess.known < heard.threshold and heard.guess.confidence < STRONG:
        return ""
    if name == "refine" and not _searching(memory):
        return "recommend"
    return name if name in ("recommend", "refine", "select", "product_info") else ""


def _overrules(heard: Heard, memory: Memory) -> bool:
    """A thumb down that names what to leave out ("not Apple") narrows the search."""
    slots = heard.slots
    if heard.guess.name == "feedback_neg":
        return _searching(memory) and bool({"exclude_brand", "relative"} & set(slots))
    return heard.guess.name == "coupon" and _wishes(slots) and not MONEY_OFF.search(heard.text)


def _cheaper_of(heard: Heard, memory: Memory) -> bool:
    """ "Which one is cheaper?" chooses among what is shown."""
    slots = heard.slots
    return (
        bool(memory.shown)
        and slots.get("relative") in ("cheaper", "cheapest", "pricier")
        and not ({"product", "ordinal"} & set(slots))
    )


def _asks_about_one(heard: Heard, memory: Memory) -> bool:
    slots = heard.slots
    name = heard.guess.name
    if slots.get("relative") in ("similar", "other") and not ({"ordinal", "product"} & set(slots)):
        return False
    about = {"aspect", "size"} & set(slots) or ABOUT_IT.search(heard.text)
    one = bool(memory.focus or (len(memory.shown) == 1 and about))
    pointed = "ordinal" in slots or "product" in slots
    definite = bool(DEFINITE.search(heard.text)) and bool(memory.shown)
    if "aspect" in slots and (pointed or definite or ABOUT_IT.search(heard.text) or one):
        return name not in ("add_to_cart", "compare", "coupon") and not (
            name == "faq" and not (pointed or ABOUT_IT.search(heard.text))
        )
    detail = {"color", "size", "feature"} & set(slots)
    asks = name in ("product_info", "refine", "recommend", "inform", "out_of_scope")
    asks = asks or bool(QUESTION.search(heard.text) and name in OPEN_TO_CONTEXT)
    if detail and asks and "category" not in slots and not MORE_THAN_ONE.search(heard.text):
        if pointed or (definite and "relative" in slots):
            return True
        plain = not {
            "relative",
            "brand",
            "exclude_brand",
            "price_max",
            "price_min",
            "price_near",
        } & set(slots)
        return one and plain and not (WANTS.search(heard.text) or WHAT_ABOUT.search(heard.text))
    return (
        name == "product_info"
        and "category" not in slots
        and (pointed or one or bool(memory.shown))
        and not (_wishes(slots) and not pointed and not one and not definite)
    )


def _chooses(heard: Heard, memory: Memory) -> bool:
    slots = heard.slots
    name = heard.guess.name
    if "ordinal" in slots and not isinstance(slots["ordinal"], list) and memory.shown:
        return name in ("select", "recommend", "refine", "inform", "out_of_scope", "affirm", "deny")
    points = THE_ONE.search(heard.text) and "relative" in slots and len(memory.shown) > 1
    if not memory.shown or MORE_THAN_ONE.search(heard.text):
        return False
    if "relative" in slots and ANY_SUCH.search(heard.text):
        return False
    if "brand" in slots and THE_NAMED.search(heard.text):
        return True
    if WHAT_ABOUT.search(heard.text) and not points:
        return False
    if name == "select" and heard.guess.confidence >= 0.4 and "category" not in slots:
        return True
    pointing = {"relative", "color", "brand", "feature"} & set(slots)
    return (
        bool(pointing)
        and bool(DEFINITE.search(heard.text))
        and slots.get("relative") not in ("other", "similar")
    )


def _search_or_narrow(heard: Heard, memory: Memory) -> str:
    slots = heard.slots
    name = heard.guess.name
    if name in ("chitchat", "faq", "coupon", "greet") and heard.guess.confidence >= STRONG:
        return ""
    same = slots.get("category") == memory.frame.get("category") and _searching(memory)
    if "category" not in slots:
        return "refine" if _searching(memory) else "recommend"
    return "refine" if same and (_wishes(slots) or name == "refine") else "recommend"


def _searching(memory: Memory) -> bool:
    return bool(memory.frame or memory.shown)


def _wishes(slots: dict[str, Any]) -> bool:
    return any(slot in slots for slot in CONSTRAINTS)
