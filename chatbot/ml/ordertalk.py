"""Talk about orders: a number, the one in focus, somebody else's."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re

from chatbot.ml import words
from chatbot.ml.commands import Command, Reading, relevant
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.reading import (
    ACTIONABLE,
    ELLIPSIS,
    IF,
    LOOKS_UP,
    NO_DOUBT,
    OF_ORDERS,
    SURE,
    VERY_SURE,
    is_bare,
    read,
)

VERBS = (  # with an order number beside them these leave no doubt
    ("cancel_order", re.compile(r"取消|撤销|撤单|不要了|别发了|不想要了|\bcancel", re.IGNORECASE)),
    (
        "return_request",
        re.compile(
            r"退货|退款|退掉|退了|换货|申请售后|要售后|想退|要退|我要?退|想换|要换|\b(?:return|refund|exchange|swap)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "change_order",
        re.compile(
            r"改(?:寄|送|发|到)|(?:寄|送|发)[到去](?!哪|了|没|货|什么|啥|家了)(?!.{0,6}[吗没?？])|[改换](?:一下|成)?.{0,6}(?:地址|码|颜色|色的?)|地址.{0,6}改|\b(?:change|update|fix|correct|edit|switch)\b.{0,30}\b(?:address|size|colou?r|order|name|recipient|phone|postcode)\b",
            re.IGNORECASE,
        ),
    ),
)


CANCEL_IT = re.compile(
    r"^(?:那就?|就|帮我|请|把|直接|麻烦)*(?:取消|撤销)(?:掉)?(?:它|这个|这单|那个|该订单|这个订单|吧|了吧)?$|(?:它|这单|这个订单)取消|^(?:(?:please|then|ok|okay|well|so|just|can you|could you|in that case)[, ]+)*cancel (?:it|this|that|this order|that one)\b",
    re.IGNORECASE,
)


CHANGE_IT = re.compile(
    r"[改换]成|\b(?:switch|change|swap|make) (?:it|that|this|them) (?:to|for|into)\b", re.IGNORECASE
)


WHEN = re.compile(
    r"哪天|几号|什么时候|啥时候|多久|几天|\bwhen\b|\bwhich day\b|\bwhat day\b|\bhow (?:long|soon)\b|\beta\b",
    re.IGNORECASE,
)


IT_IS_ME = re.compile(
    r"本人|我就是|我是.{1,4}$|我的(?:订单|单)|\b(?:it'?s me|that'?s me|i am|i'm|my (?:own )?(?:order|account)|my name)\b",
    re.IGNORECASE,
)
ARRIVES = re.compile(
    r"能?到[吗不么]|送到|收到|\b(?:arrives?|get here|be here|delivered|come|there)\b", re.I
)
OTHERS_ORDER = re.compile(
    r"(?:朋友|同事|同学|室友|家人|亲戚|老公|老婆|男友|女友|男朋友|女朋友|妈妈?|爸爸?|别人|他|她|人家)(?:的|下的|买的)?(?:单|订单|包裹|快递)(?!独|价|品)"
    r"|\b(?:friend|wife|husband|boyfriend|girlfriend|mom|mum|dad|sister|brother|colleague|someone else|somebody else)'?s? (?:order|parcel|package)"
    r"|\b(?:his|her|their) (?:order|parcel|package)\b",
    re.IGNORECASE,
)


def the_order_in_focus(heard: Heard, memory: Memory) -> Reading | None:
    """ "Cancel it", "which courier?" after an order was talked about."""
    if not memory.order or memory.flow is not None or memory.topic not in (*OF_ORDERS, "inform"):
        return None
    asked = heard.guess.name == "faq" and heard.guess.confidence >= VERY_SURE
    if "return_type" in heard.slots and not asked and not IF.search(heard.text):
        return read("return_request", heard)
    if CANCEL_IT.search(heard.text):
        return read("cancel_order", heard)
    if {"color", "size"} & set(heard.slots) and CHANGE_IT.search(heard.text):
        return read("change_order", heard)
    due = "date" in heard.slots and ARRIVES.search(heard.text)
    asks = heard.slots.get("aspect") == "carrier" or WHEN.search(heard.text)
    elsewhere = heard.guess.name in ACTIONABLE and heard.guess.name not in OF_ORDERS
    sure = elsewhere and heard.guess.confidence >= VERY_SURE
    return read("order_status", heard) if due or (asks and not sure) else None


def order_number(heard: Heard, memory: Memory) -> Reading | None:
    """An order number by itself: for the flow that waits for one, else for its status."""
    if "order_id" not in heard.slots:
        return _somebody_elses(heard, memory)
    told = _verb_in(re.split(words.CORRECTION, heard.text, flags=re.I)[-1]) or _verb_in(heard.text)
    complains = heard.guess.name == "complaint" and heard.guess.confidence >= NO_DOUBT
    if told and not (memory.flow is None and complains):
        return read(told, heard)
    sure = heard.guess.confidence >= SURE and heard.guess.name in (*OF_ORDERS, "complaint")
    corrects = heard.guess.name == "complaint" and memory.topic in (*OF_ORDERS, "inform")
    if sure and not (is_bare(heard) and (corrects or ELLIPSIS.search(heard.text))):
        return read(heard.guess.name, heard)
    for flow in reversed(memory.suspended):
        if flow.awaiting == "order_id":
            return read("inform", heard, Command(flow.name, relevant(flow.name, heard.slots)))
    looks_up = LOOKS_UP.search(heard.text)
    intent = "order_status" if ELLIPSIS.search(heard.text) or looks_up else "inform"
    refused = memory.last_act in ("return_refused", "cannot_cancel", "order_not_found")
    goes_on = refused and memory.topic in OF_ORDERS and not looks_up
    wish = memory.topic if goes_on else "order_status"
    return read(intent, heard, Command(wish, heard.slots, heard.text))


def _verb_in(text: str) -> str:
    """What shall happen to an order, where a word leaves no doubt."""
    return next((intent for intent, verb in VERBS if verb.search(text)), "")


def _somebody_elses(heard: Heard, memory: Memory) -> Reading | None:
    """A friend's order, or that of somebody who only says who they are: it has to be proved."""
    claims = memory.last_act == "verify_identity" and IT_IS_ME.search(heard.text)
    if not (claims or OTHERS_ORDER.search(heard.text)):
        return None
    intent = "inform" if memory.topic in (*OF_ORDERS, "inform") else "order_status"
    return read(intent, heard, Command("order_status", {"others": True}, heard.text))
