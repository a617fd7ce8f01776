"""Steps that can be taken back: what was changed is noted, and undone when the customer says so.

A note is a small mapping: its kind, the number of its turn, and what is needed to go back. What
cannot be gone back on is noted too, so that it can be said.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chatbot.ml.commands import Act, Command, Reading
from chatbot.ml.hearing import Heard
from chatbot.ml.lookups import Lookups
from chatbot.ml.memory import Memory
from chatbot.ml.ordertalk import CANCEL_IT
from chatbot.ml.reading import OF_ORDERS, read

Step = tuple[Memory, list[Act]]
Note = Mapping[str, Any]
MOST = 5  # steps that are remembered
LONGEST = 40  # characters; a longer message wants something else
UNDO = re.compile(  # the last change, whenever that was
    r"撤销|撤回|(?:退|回)(?:回|到)上一步|(?:恢复|改回|换回)(?:原样|原来|之前|刚才)|(?:刚才|刚刚|上一步|上一个)[^,，。]{0,8}(?:不算|作废|取消掉?|撤掉|别算)(?:了|吧)?$"
    r"|\bundo\b|\brevert\b|\bgo back (?:a|one) step\b|\btake (?:that|it|this) back\b|\breverse that\b",
    re.IGNORECASE,
)
UNSAID = re.compile(  # what was said just now
    r"当我没说|当(?:我)?没(?:说过|提过)|收回(?:刚才|我)?的?(?:话|那句)|\bscratch that\b|\bforget (?:what )?i (?:just )?said\b"
    r"|\bforget i said\b|\bpretend i (?:didn'?t|never) (?:say|said)\b|\bi take that back\b",
    re.IGNORECASE,
)
OUT_OF_CART = re.compile(
    r"(?:从)?购物车(?:里|中)?.{0,8}(?:拿掉|拿出|移除|删掉?|去掉|移出)|(?:拿掉|拿出|移除|移出|删掉|去掉).{0,6}购物车|(?:别|不要|先不)(?:加|放)(?:进|到|入)?购物车"
    r"|\b(?:take|remove|drop|delete)\b.{0,20}\b(?:from|out of|off)\b.{0,8}\b(?:cart|basket|bag)\b|\bput (?:it|that|this) back\b",
    re.IGNORECASE,
)
NEVER = re.compile(
    r"怎么|如何|能不能|可以.{0,4}吗|\b(?:can|could|how|do|don'?t|not|never)\b.*\bundo\b", re.I
)
GOES_ON = {"order_id", "category", "brand", "price_min", "price_max", "color", "size", "feature"}
FINAL = {  # writes that the bot cannot take back
    "cancel_order": "order_id",
    "change_order": "order_id",
    "open_return": "order_id",
    "start_privacy_request": "request",
    "open_ticket": "number",
}
SUBSCRIBING = ("subscribe", "unsubscribe")


def take_back(heard: Heard, memory: Memory) -> Reading | None:
    """ "Undo that": the last change; "I said nothing": what the last turn changed, if anything."""
    if len(heard.text) > LONGEST or NEVER.search(heard.text):
        return None
    if memory.flow is not None:
        unsaid = UNDO.search(heard.text) or UNSAID.search(heard.text)
        return read("abort", heard, Command("stop"), confidence=0.95) if unsaid else None
    if GOES_ON & set(heard.slots):
        return None
    kinds = _kinds_meant(heard.text, memory)
    if not kinds:
        return None
    return read("abort", heard, Command("undo", {"kinds": kinds}, heard.text), confidence=0.95)


def _kinds_meant(text: str, memory: Memory) -> tuple[str, ...]:
    """Which kinds of steps the message would have taken back; none where it asks for nothing
    of the sort, or where there is nothing."""
    if not memory.steps:
        return ()
    if OUT_OF_CART.search(text):
        return ("cart",) if any(step["kind"] == "cart" for step in memory.steps) else ()
    is_fresh = memory.steps[-1]["turn"] == memory.turn - 1
    talks_of_order = memory.order and memory.topic in (*OF_ORDERS, "inform")
    if talks_of_order and not is_fresh and CANCEL_IT.search(text):
        return ()  # 撤销 of the order that is being talked about
    if UNDO.search(text) or (is_fresh and UNSAID.search(text)):
        return (memory.steps[-1]["kind"],)
    return ()


def undo(command: Command, memory: Memory, look: Lookups) -> Step:
    """Go back over the newest step of the kinds that were meant."""
    steps = list(memory.steps)
    place = max(i for i, step in enumerate(steps) if step["kind"] in command.slots["kinds"])
    step = steps[place]
    if step["kind"] == "final":
        return memory, [Act("cannot_undo", {s: v for s, v in step.items() if s != "kind"})]
    memory = replace(memory, steps=(*steps[:place], *steps[place + 1 :]))
    return UNDOERS[step["kind"]](step, memory, look)


def _from_cart(step: Note, memory: Memory, look: Lookups) -> Step:
    goods = look.product(step["product"])
    args = {"undone": "cart", "product": step["product"], "quantity": step["quantity"]}
    facts = {"title": goods.title if goods else step["product"]}
    return memory, [Act("aborted", args, facts=facts, effect="take_from_cart")]


def _subscription(step: Note, memory: Memory, look: Lookups) -> Step:
    args = {"undone": "subscription", "turn": step["turn"], "channel": step["channel"]}
    return memory, [Act("aborted", args, effect="set_consents_back")]


def _search(step: Note, memory: Memory, look: Lookups) -> Step:
    shown = tuple(sku for sku in step["shown"] if look.product(sku) is not None)
    memory = replace(
        memory, frame=step["frame"], shown=shown, seen=tuple(step["seen"]), focus=step["focus"]
    )
    return memory, [Act("aborted", {"undone": "search"}, products=shown)]


UNDOERS = {"cart": _from_cart, "subscription": _subscription, "search": _search}


def noted(before: Memory, after: Memory, acts: Sequence[Act]) -> Memory:
    """The memory after a turn, with what the turn changed."""
    steps = [step for act in acts if (step := _of_effect(act, after.turn))]
    if not steps and _searched_on(before, after, acts):
        was = {"frame": dict(before.frame), "shown": before.shown, "seen": before.seen}
        steps = [{"kind": "search", "turn": after.turn, "focus": before.focus, **was}]
    return replace(after, steps=(*after.steps, *steps)[-MOST:]) if steps else after


def _of_effect(act: Act, turn: int) -> Note | None:
    if act.name == "aborted" or not act.effect:
        return None
    if act.effect == "add_to_cart":
        goods = {s: act.args[s] for s in ("product", "quantity")}
        return {"kind": "cart", "turn": turn, **goods}
    if act.effect in SUBSCRIBING:
        told = {s: act.args.get(s, "") for s in ("channel", "topic")}
        return {"kind": "subscription", "turn": turn, "effect": act.effect, **told}
    if act.effect in FINAL:
        about = {s: act.args[s] for s in (FINAL[act.effect],) if s in act.args}
        return {"kind": "final", "turn": turn, "effect": act.effect, **about}
    return None


def _searched_on(before: Memory, after: Memory, acts: Sequence[Act]) -> bool:
    """Whether a search that had shown something was changed, and not by going back."""
    goes_back = any(act.name == "aborted" for act in acts)
    return bool(before.shown) and not goes_back and before.frame != after.frame
