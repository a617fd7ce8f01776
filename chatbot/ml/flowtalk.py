"""Answers to what the bot has asked for: yes and no, a value, or something else."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from typing import Any

from chatbot.ml.commands import Command, Reading, relevant
from chatbot.ml.entities import as_slots
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.reading import (
    ACTIONABLE,
    ADDRESS,
    LOOKS_UP,
    SEARCHES,
    STRONG,
    SURE,
    VERY_SURE,
    chance_of,
    is_bare,
    read,
)

AFFIRM = re.compile(
    r"^(?:是的?|对的?|好的?|好啊|嗯+|可以|行|没错|没问题|确认|确定|同意|要的|当然|yes|yeah|yep|yup|sure|ok(?:ay)?|confirm(?:ed)?"
    r"|correct|right|go ahead|please do|do it|absolutely|definitely)(?:[,，!！。.\s呀啊吧了的哦]|确认|确定|取消|退货|please|go ahead|confirm|sure|do it|yes)*$",
    re.IGNORECASE,
)


DENY = re.compile(
    r"^(?:不|不是|不要|不用|不用了|不要了|不了|不行|不对|别|先不|暂时不|no|nope|nah|don'?t|do not|not now|negative)(?:[,，!！。.\s了吧谢哦]|thanks|thank you|需要|要)*$",
    re.IGNORECASE,
)


ABORT = re.compile(
    r"^(?:那|还是|哦|嗯|先|那先|暂时|等等|等下|等一下|actually|ok(?:ay)?|oh|wait|hold on|nah|no|hmm|well)?[,，\s]*(?:算了|先别|再想想|再考虑|我再想想|留着吧|不删了|不注销了|不弄了|不办了|不退了|不换了|不取消了|不改了|放弃|never\s?mind|forget (?:it|about it)|"
    r"stop|leave it|cancel that|drop it|changed my mind|i changed my mind|not anymore)",
    re.IGNORECASE,
)


HESITATES = re.compile(  # beside a yes: then it is none
    r"[别不没等再]|\b(?:not|no|never|wait|hold|later|but|unless|if)\b|n't\b", re.IGNORECASE
)


WHILE_CONFIRMING = {  # values that change what is about to be confirmed
    "cancel_order": ("order_id",),
    "change_order": ("order_id", "size", "color"),
    "return_request": ("order_id", "return_type", "size", "color"),
}


def confirmation(heard: Heard, memory: Memory) -> Reading | None:
    """A flow waits for a yes: yes, no, another value, or something else entirely."""
    flow = memory.flow
    if flow is None or flow.awaiting != "confirm":
        return None
    said = _yes_or_no(heard) or _among_more(heard, flow.name)
    if said == "abort":
        return _given_up(heard)
    if said:
        return read(said, heard, Command("confirm" if said == "affirm" else "stop"))
    return None if _asks_elsewhere(heard, flow.name) else _other_values(heard, flow.name)


def _other_values(heard: Heard, flow: str) -> Reading | None:
    """Neither yes nor no: another number, a size; or too vague to be more than an aside."""
    if _is_vague(heard):
        return read("inform", heard, Command("set_slot", {}))
    intent = heard.guess.name
    values = {s: v for s, v in heard.slots.items() if s in WHILE_CONFIRMING.get(flow, ())}
    if flow == "return_request" and {"size", "color"} & set(values):
        values["return_type"] = "exchange"
    if "order_id" not in values and intent == "deny" and heard.guess.confidence > SURE:
        return read("deny", heard, Command("stop"))
    if values and (intent in ("inform", "deny", flow, "out_of_scope") or len(heard.text) < 24):
        return read("inform", heard, Command("set_slot", values))
    return None


def _yes_or_no(heard: Heard) -> str:
    """affirm, deny or abort, where the words or the classifier leave no doubt."""
    sure = heard.guess.name if heard.guess.confidence > SURE else ""
    if ABORT.search(heard.text) or sure == "abort":
        return "abort"
    if AFFIRM.match(heard.text) or sure == "affirm":
        return "affirm"
    return "deny" if DENY.match(heard.text) else ""


def _among_more(heard: Heard, flow: str) -> str:
    """ "No need, leave the old address": a yes or no with words of the same matter beside it."""
    if len(heard.clauses) < 2 or heard.slots or ADDRESS.search(heard.text):
        return ""
    if heard.guess.name not in (flow, "affirm", "deny") and heard.guess.confidence >= STRONG:
        return ""
    first, last = heard.clauses[0][0], heard.clauses[-1][0]
    if DENY.match(first):
        return "deny"
    says_yes = AFFIRM.match(first) or AFFIRM.match(last)
    return "affirm" if says_yes and not HESITATES.search(heard.text) else ""


def _asks_elsewhere(heard: Heard, flow: str) -> bool:
    """A question in the middle of a flow is answered; it is no value for the flow."""
    asks = heard.guess.name in ACTIONABLE and heard.guess.name != flow and not _is_vague(heard)
    return asks and heard.guess.confidence >= SURE and "order_id" not in heard.slots


def _is_vague(heard: Heard) -> bool:
    """ "It was too small, by the way" sounds like a wish for goods, and names none."""
    searches = heard.guess.name in ("recommend", "refine", "feedback_neg")
    return searches and not heard.slots and heard.guess.confidence < VERY_SURE


def awaited_slot(heard: Heard, memory: Memory) -> Reading | None:
    """A flow asked for something, and here it is (or a refusal to give it)."""
    flow = memory.flow
    if flow is None or flow.awaiting in ("", "confirm"):
        return None
    if ABORT.search(heard.text) or (heard.guess.name == "abort" and heard.guess.confidence > SURE):
        return _given_up(heard)
    if DENY.match(heard.text):
        return read("deny", heard, Command("stop"))
    values = _values_for(flow.awaiting, heard, memory)
    if not values:
        return None
    elsewhere = heard.guess.name in ACTIONABLE and heard.guess.name != flow.name
    hinted = "order_id" not in values and flow.awaiting == "order_id"
    looks_up = LOOKS_UP.search(heard.text) and "order_id" in values
    if looks_up and flow.name not in ("order_status", heard.guess.name) and not is_bare(heard):
        return read("order_status", heard)
    if (
        elsewhere
        and heard.guess.confidence >= (SURE if hinted else VERY_SURE)
        and not is_bare(heard)
    ):
        return None
    if "address" in values:
        return Reading("inform", chance_of(heard, "inform"), {}, (Command("set_slot", values),))
    intent = flow.name if heard.guess.name == flow.name and not is_bare(heard) else "inform"
    return read(intent, heard, Command("set_slot", values, heard.text))


def _values_for(slot: str, heard: Heard, memory: Memory) -> dict[str, Any]:
    slots = heard.slots
    if slot in slots:
        extra = {s: slots[s] for s in ("return_type",) if s in slots}
        return {slot: slots[slot], **extra}
    if slot == "order_id":
        return _order_hints(heard, memory)
    if slot == "address":
        wanted = ("faq", "human", "greet", "thanks", "repeat", "order_status", "cancel_order")
        other = heard.guess.name in wanted and heard.guess.confidence >= SURE
        return {} if other and not ADDRESS.search(heard.text) else {"address": heard.text}
    if slot == "topic":
        return {"topic": heard.text}
    if slot == "product":
        return {s: slots[s] for s in ("product", "ordinal", "category", "color") if s in slots}
    return {}


def _order_hints(heard: Heard, memory: Memory) -> dict[str, Any]:
    """Not the number, but what tells the order: its goods, its day, its place in the list."""
    slots = heard.slots
    if SEARCHES.search(heard.text):
        return {}
    hints: dict[str, Any] = {
        s: slots[s] for s in ("product", "category", "brand", "date") if s in slots
    }
    if memory.choices and isinstance(slots.get("ordinal"), int):
        place = slots["ordinal"] - (slots["ordinal"] > 0)
        if -len(memory.choices) <= place < len(memory.choices):
            return {"order_id": memory.choices[place]}
    if re.search(
        r"最近|最新|刚(?:才)?(?:下|买)|上一单|\b(?:latest|most recent|last)\b", heard.text, re.I
    ):
        return {"latest": True, **hints}
    return hints


def _given_up(heard: Heard) -> Reading:
    """The flow is over; what else the message wants comes after."""
    return read("abort", heard, Command("stop"), *_wishes_after(heard))


def _wishes_after(heard: Heard) -> list[Command]:
    """ "Never mind, are these genuine?": what follows the words that give up."""
    parts = list(zip(heard.clauses, heard.clause_entities, strict=True))
    at = next((i for i, ((text, _), _) in enumerate(parts) if ABORT.search(text)), len(parts))
    return [
        Command(guess.name, relevant(guess.name, as_slots(list(entities))), text)
        for (text, guess), entities in parts[at + 1 :]
        if guess.name in ACTIONABLE and guess.confidence >= STRONG and not ABORT.search(text)
    ][:1]


def short_answers(heard: Heard, memory: Memory) -> Reading | None:
    """Yes, no and never mind when nothing was asked."""
    goes_on = {"category", "brand", "product"} & set(heard.slots)
    if ABORT.search(heard.text) and len(heard.text) < 30 and not goes_on:
        wishes = _wishes_after(heard)
        return read(wishes[0].kind, heard, *wishes) if wishes else read("abort", heard)
    if AFFIRM.match(heard.text):
        return read("affirm", heard)
    if DENY.match(heard.text):
        return read("deny", heard)
    return None
