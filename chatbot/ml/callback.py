"""What somebody who waits for staff says about it: a way to reach them, or that they go back
to the bot. Everything else is for the staff to read, and is left alone."""

import re
from dataclasses import dataclass
from typing import Literal

from crm.ml.text import normalise

EMAIL = re.compile(
    r"[a-z0-9][\w.+-]{0,63}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}(?![\w-])", re.I | re.ASCII
)
NUMBER = re.compile(r"(?<![\w#])(?:\+|00)?\(?\d[\d\s().-]{5,20}\d(?!\w)", re.ASCII)
MOBILE = re.compile(r"(?:86)?1[3-9]\d{9}")  # of China, which needs no word beside it
CALLED = re.compile(
    r"电话|手机|号码|打给|拨打|联系|\b(?:phone|mobile|cell|call|ring|tel|number|reach|contact)\b",
    re.I,
)
ABOUT_ORDERS = re.compile(r"订单|单号|快递|\b(?:order|parcel|tracking|invoice)\b", re.I)
MINE = re.compile(r"(?:用|发到?)?我(?:的|留的)?邮箱(?:联系我)?|(?:please )?e-?mail me", re.I)
BOT = re.compile(
    r"(?:回到|返回|还是找|找)?(?:智能)?(?:助手|机器人)(?:吧)?|(?:back to )?the (?:assistant|bot)",
    re.I,
)
STAYS = re.compile(r"(?:我)?(?:继续|再)等(?:一?等|一会儿?)?(?:吧)?|i(?:'ll| will) wait", re.I)
EDGES = " \t\n.,!?;:。，！？；：~"

Kind = Literal["contact", "mine", "bot", "stays", "other"]


@dataclass(frozen=True)
class Wish:
    kind: Kind
    contact: str = ""


def read(text: str) -> Wish:
    """Understand one message of somebody who waits. Unclear is "other"."""
    clean = normalise(text)
    email = EMAIL.search(clean)
    if email:
        return Wish("contact", email.group())
    phone = _phone(clean)
    if phone:
        return Wish("contact", phone)
    bare = clean.strip(EDGES)
    whole: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("mine", MINE),
        ("bot", BOT),
        ("stays", STAYS),
    )
    return Wish(next((kind for kind, pattern in whole if pattern.fullmatch(bare)), "other"))


def _phone(text: str) -> str:
    """A number that can be called. Digits alone may be an order: a word has to say otherwise."""
    for found in NUMBER.finditer(text):
        written = found.group().strip(" .-")
        digits = re.sub(r"\D", "", written)
        is_named = bool(CALLED.search(text)) and not ABOUT_ORDERS.search(text)
        is_plain = bool(MOBILE.fullmatch(digits)) or written.startswith("+")
        if 7 <= len(digits) <= 15 and (is_plain or is_named):
            return written
    return ""
