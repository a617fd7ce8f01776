"""The dialogue as a pure step: what was remembered, what was heard -> what is remembered,
what to do. It reads through look-ups and performs nothing; writes are named in the acts."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatbot.ml import flows, shopping, subscribing, undoing
from chatbot.ml.commands import Act, Command, Reading
from chatbot.ml.hearing import Heard
from chatbot.ml.lookups import Lookups
from chatbot.ml.memory import Memory
from chatbot.ml.resolve import MAY_BE_QUESTIONS, resolve

Step = tuple[Memory, list[Act]]
Handler = Callable[[Command, Memory, Lookups], Step]
PATIENCE = 2  # misses, after which a person is offered
ASKED = 0.08  # the same, where a question was surely asked
CERTAIN, FITTING, LIKELY = (
    0.8,
    0.5,
    0.35,
)  # chances that an answer fits, by how much it is asked for
EXPORT = re.compile(
    r"导出|下载|副本|有哪些|存了|什么信息|给我一份|\b(?:export|copy|download|what|which|see)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Outcome:
    """One turn: what it came to."""

    reading: Reading
    memory: Memory
    acts: tuple[Act, ...]


def step(heard: Heard, memory: Memory, look: Lookups) -> Outcome:
    """Take one turn. Touches nothing: the caller saves the memory and performs the effects."""
    memory = before = replace(memory, language=heard.language, turn=memory.turn + 1)
    reading = resolve(heard, memory)
    acts: list[Act] = []
    waiting = (*memory.suspended, memory.flow)
    for command in reading.commands:
        handler = HANDLERS.get(command.kind, _faq)  # an intent that staff added is a question
        memory, more = handler(command, memory, look)
        acts.extend(more)
    if memory.flow is None and memory.suspended and memory.suspended[-1] not in waiting:
        memory = memory.finish()  # begun in this very message, whose other wish put it aside
    if memory.flow is not None and acts and acts[0].name in INTERRUPTIONS:
        acts.extend(flows.ask_again(memory, look))
    if (
        acts
        and acts[0].name == "answer_faq"
        and reading.intent in ("out_of_scope", "recommend", *MAY_BE_QUESTIONS)
    ):
        reading = replace(reading, intent="faq")
    memory = undoing.noted(before, _remember(reading, memory, acts), acts)
    return Outcome(reading, memory, tuple(acts))


INTERRUPTIONS = ("answer_faq", "show_coupons", "no_coupon", "fallback_clarify")


def _remember(reading: Reading, memory: Memory, acts: list[Act]) -> Memory:
    first = acts[0].name if acts else ""
    if first in ("refuse", "stay_silent"):
        return memory  # an attack leaves no trace, and staff have the word
    missed = first == "fallback_clarify"
    command = reading.commands[0] if reading.commands else Command("")
    topic = str(command.slots.get("then") or command.kind)
    return replace(
        memory,
        misses=memory.misses + 1 if missed else 0,
        topic=memory.topic if topic in NO_TOPIC else topic,
        last_act=first,
    )


NO_TOPIC = (
    "greet",
    "thanks",
    "goodbye",
    "chitchat",
    "affirm",
    "deny",
    "repeat",
    "clarify",
    "out_of_scope",
    "set_slot",
    "confirm",
    "stop",
)


def _say(name: str) -> Handler:
    def handler(command: Command, memory: Memory, look: Lookups) -> Step:
        return memory, [Act(name)]

    return handler


def _flow(command: Command, memory: Memory, look: Lookups) -> Step:
    return flows.begin(command.kind, command.slots, memory, look)


def _set_slot(command: Command, memory: Memory, look: Lookups) -> Step:
    if memory.flow is not None and memory.flow.name in subscribing.SUBSCRIPTIONS:
        return subscribing.fill(memory.flow, command, memory, look)
    return flows.fill(command.slots, memory, look)


def _confirm(command: Command, memory: Memory, look: Lookups) -> Step:
    return flows.perform(memory, look)


def _stop(command: Command, memory: Memory, look: Lookups) -> Step:
    return memory.finish(), [Act("aborted")]


def _shop(handler: Callable[[Mapping[str, Any], Memory, Lookups], Step]) -> Handler:
    return lambda command, memory, look: handler(command.slots, memory.suspend(), look)


def _privacy(command: Command, memory: Memory, look: Lookups) -> Step:
    request = "export" if EXPORT.search(command.text) else "erase"
    return flows.begin("privacy_request", {"request": request}, memory, look)


def _order_status(command: Command, memory: Memory, look: Lookups) -> Step:
    if not look.is_verified or command.slots.get("others"):
        return memory, [Act("verify_identity", {"for": "order_status"})]
    number = command.slots.get("order_id")
    if number is None:
        told = {"product", "category", "brand"} & set(command.slots)
        if memory.order and not told:
            number = memory.order
        else:
            orders = flows.orders_like(command.slots, look)
            candidates = (
                orders if told else [o for o in orders if o.status in ("shipped", "processing")]
            )
            number = candidates[0].number if len(candidates) == 1 else None
    if number is None:
        return flows.ask_which_order("order_status", memory, look)
    order = look.order(str(number[0] if isinstance(number, list) else number))
    if order is None:
        return memory, [Act("order_not_found", {"order_id": number})]
    facts = {**flows.order_facts(order), "aspect": command.slots.get("aspect", "")}
    memory = replace(memory, order=order.number)
    return memory, [Act("show_order_status", {"order_id": order.number}, facts=facts)]


def _coupon(command: Command, memory: Memory, look: Lookups) -> Step:
    category = command.slots.get("category", "")
    if (
        not category
        and "product" in command.slots
        or re.search(r"这个|这款|\b(?:this|it)\b", command.text, re.I)
    ):
        goods = shopping.target(command.slots, memory, look)
        category = goods.category if goods else category
    vouchers = look.vouchers(category[0] if isinstance(category, list) else category)
    if not vouchers:
        return memory, [Act("no_coupon", {"category": category})]
    if category and not memory.frame:  # what is looked for next is most likely of this kind
        memory = replace(memory, frame=shopping.merged({}, {"category": category}))
    best = sorted(vouchers, key=lambda v: (v.category != category or not category, v.code))
    args = {"code": best[0].code, "codes": [v.code for v in best]}
    facts = {
        "vouchers": [{"code": v.code, "text": v.text, "until": str(v.until or "")} for v in best]
    }
    return memory, [Act("show_coupons", args, facts=facts)]


def _faq(command: Command, memory: Memory, look: Lookups) -> Step:
    hits = look.answers(command.text)
    if hits and hits[0].chance >= (ASKED if command.slots.get("lenient") else LIKELY / 2):
        return memory, [_answer(hits[0].slug, hits[0].text, hits[0].question)]
    return _clarify(command, memory, look)


def _answer(slug: str, text: str, question: str) -> Act:
    return Act("answer_faq", {"faq": slug}, facts={"answer": text, "question": question})


def _clarify(command: Command, memory: Memory, look: Lookups) -> Step:
    """The question book may know; otherwise ask what was meant, and in the end offer a person."""
    hits = look.answers(command.text) if command.kind == "clarify" else []
    if hits and hits[0].chance >= FITTING:
        return memory, [_answer(hits[0].slug, hits[0].text, hits[0].question)]
    facts = {
        "choices": command.slots.get("best", []),
        "offer_person": memory.misses + 1 >= PATIENCE,
    }
    return memory, [Act("fallback_clarify", facts=facts)]


def _unsure(command: Command, memory: Memory, look: Lookups) -> Step:
    """The question book first; then what was guessed."""
    hits = look.answers(command.text)
    then, is_sure = command.slots["then"], command.slots["sure"]
    bar = CERTAIN if is_sure or then == "complaint" else FITTING
    if hits and hits[0].chance >= bar and not (is_sure and then == "complaint"):
        return memory, [_answer(hits[0].slug, hits[0].text, hits[0].question)]
    slots = {s: v for s, v in command.slots.items() if s not in ("then", "sure")}
    return HANDLERS[then](Command(then, slots, command.text), memory, look)


def _complaint(command: Command, memory: Memory, look: Lookups) -> Step:
    args = {"order_id": command.slots["order_id"]} if "order_id" in command.slots else {}
    return memory, [Act("ticket_opened", args, effect="open_ticket")]


def _human(command: Command, memory: Memory, look: Lookups) -> Step:
    return replace(memory, owner="staff"), [Act("handoff", {"reason": "asked"}, effect="hand_over")]


def _thumb(score: int) -> Handler:
    def handler(command: Command, memory: Memory, look: Lookups) -> Step:
        goods = shopping.target(command.slots, memory, look)
        args: dict[str, Any] = {"score": score}
        if goods is not None and {"ordinal", "product"} & set(command.slots):
            args["product"] = goods.sku
        return memory, [Act("feedback_recorded", args, effect="record_feedback")]

    return handler


def _affirm(command: Command, memory: Memory, look: Lookups) -> Step:
    unclear = memory.last_act == "fallback_clarify" and memory.misses >= PATIENCE
    if unclear or memory.last_act == "cannot_undo":
        return _human(command, memory, look)
    return memory, [Act("chitchat_reply", {"kind": "affirm"})]


def _repeat(command: Command, memory: Memory, look: Lookups) -> Step:
    return memory, [Act("repeat_last", facts=memory.last_reply)]


def _goodbye(command: Command, memory: Memory, look: Lookups) -> Step:
    return replace(memory, flow=None, suspended=()), [Act("bye")]


def _abort(command: Command, memory: Memory, look: Lookups) -> Step:
    return memory.finish() if memory.flow else memory, [Act("aborted")]


HANDLERS: dict[str, Handler] = {
    "greet": _say("greet"),
    "goodbye": _goodbye,
    "thanks": _say("welcome"),
    "chitchat": _say("chitchat_reply"),
    "deny": _say("chitchat_reply"),
    "inform": lambda c, m, look: _clarify(replace(c, kind="clarify"), m, look),
    "out_of_scope": _clarify,
    "clarify": _clarify,
    "unsure": _unsure,
    "unsafe": _say("refuse"),
    "silence": _say("stay_silent"),
    "affirm": _affirm,
    "abort": _abort,
    "repeat": _repeat,
    "recommend": _shop(shopping.recommend),
    "refine": _shop(shopping.refine),
    "select": _shop(shopping.detail),
    "product_info": lambda c, m, look: shopping.detail(c.slots, m, look),
    "compare": _shop(shopping.compare),
    "add_to_cart": lambda c, m, look: shopping.add_to_cart(c.slots, m, look),
    "why": lambda c, m, look: shopping.why(c.slots, m, look),
    "coupon": _coupon,
    "order_status": _order_status,
    "cancel_order": _flow,
    "change_order": _flow,
    "return_request": _flow,
    "unsubscribe": subscribing.begin,
    "subscribe": subscribing.begin,
    "undo": undoing.undo,
    "privacy_request": _privacy,
    "set_slot": _set_slot,
    "confirm": _confirm,
    "stop": _stop,
    "faq": _faq,
    "complaint": _complaint,
    "human": _human,
    "feedback_pos": _thumb(1),
    "feedback_neg": _thumb(-1),
}
