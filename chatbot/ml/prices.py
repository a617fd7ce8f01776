"""Price wishes in words: 两千以内, under 3k, 2000-3000, 五百左右."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from dataclasses import dataclass, replace

from chatbot.ml.numbers import CHINESE_NUMBER, NUMBER, PLAIN_NUMBER, parse

UNIT = r"\s*(?:块钱|块|元|人民币|rmb|cny|yuan|dollars?|bucks|¥|￥)?"
MARK = r"(?:[¥￥$]\s*|rmb\s*)?"
N = rf"{MARK}({NUMBER}){UNIT}"
DASH = r"\s*(?:-|~|–|—|到|至|to|and|和|与)\s*"
LOWEST = 10.0  # smaller numbers count things
ANY_NUMBER = re.compile(NUMBER, re.IGNORECASE)
APPROXIMATE = re.compile(r"([一二两三四五六七八])([二三四五六七八九])(千|百|万)" + UNIT)
RANGE = re.compile(rf"(?:between|from|介于|在|从)?\s*{N}{DASH}{N}(?:之间|的)?", re.IGNORECASE)
AT_MOST = re.compile(
    rf"(?:under|below|less than|at most|up to|within|no more than|not more than|cheaper than|max(?:imum)?(?: of)?"
    rf"|beneath|lower than|放宽到|加到|提高到|提到|降到|压到|stretch to|go up to|raise (?:it |that )?to|不超过|不超出|不要超过|别超过|低于|小于|少于|不到|最多|最高|预算(?:是|在|大概|只有|就|有)?"
    rf"|budget(?:'s| is| of)?(?: about| around)?|have only|i have)\s*(?:是|在)?\s*{N}(?:以内|以下|之内|内)?"
    rf"|{N}\s*(?:以内|以下|之内|之下|内(?!存)|or less|or under|or below|or cheaper|max\b|tops\b|at most|budget|封顶|的预算|预算)",
    re.IGNORECASE,
)
AT_LEAST = re.compile(
    rf"(?:over|above|more than|at least|starting (?:at|from)|no less than|higher than|pricier than|min(?:imum)?(?: of)?"
    rf"|不低于|高于|大于|超过|至少|最低|不少于)\s*{N}(?:以上)?"
    rf"|{N}\s*(?:以上|之上|起(?!来)|往上|or more|or above|or over|and up|\+)",
    re.IGNORECASE,
)
NEAR = re.compile(
    rf"(?:around|about|roughly|approximately|circa|near|大概|大约|差不多|约|左右)\s*{N}(?:左右|上下)?"
    rf"|{N}\s*(?:左右|上下|附近|出头|or so|ish\b)",
    re.IGNORECASE,
)
PLAIN = re.compile(
    rf"[¥￥$]\s*({PLAIN_NUMBER})|({PLAIN_NUMBER}|{CHINESE_NUMBER})\s*(?:块钱|块|元|rmb|cny|yuan)"
    rf"(?!\s*(?:优惠|券|运费))",
    re.IGNORECASE,
)
BARE = re.compile(rf"[\s,，、:：]*(?:是|make (?:it|that)\s)?\s*{N}[\s。.!！吧]*", re.IGNORECASE)
DENIED = re.compile(
    r"(?:\bnothing|\bnot|\bnever|n't(?: want| need)?(?: to)?(?: go)?|\bno|别|不要|不能|不想要?|不)\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Price:
    """A wish about the price, and where it stands in the text."""

    slots: dict[str, float]
    start: int
    end: int


def find(text: str, *, corrected_at: int = 0) -> Price | None:
    """The first wish about a price. `text` must be free of order numbers and product names.

    From `corrected_at` on the text takes back what stands before: "under 2000, no wait, 3000".
    """
    if not ANY_NUMBER.search(text):
        return None
    first = _first(text)
    if not corrected_at:
        return first
    if later := _first(text[corrected_at:]):
        return replace(later, start=later.start + corrected_at, end=later.end + corrected_at)
    return _amended(first, text, corrected_at) if first else None


def _first(text: str) -> Price | None:
    return _approximate(text) or _range(text) or _bound(text) or _plain(text)


def _amended(price: Price, text: str, at: int) -> Price:
    """The same bound, with the bare number that is said instead."""
    match = BARE.fullmatch(text, at)
    value = parse(match[1]) if match and len(price.slots) == 1 else None
    if match is None or value is None or value < LOWEST:
        return price
    return Price(dict.fromkeys(price.slots, value), match.start(1), match.end(1))


def _approximate(text: str) -> Price | None:
    match = APPROXIMATE.search(text)
    if not match:
        return None
    low, high = (parse(match[i] + match[3]) for i in (1, 2))
    if low is None or high is None or low >= high:
        return None
    return Price({"price_min": low, "price_max": high}, *match.span())


def _range(text: str) -> Price | None:
    for match in RANGE.finditer(text):
        low, high = parse(match[1]), parse(match[2])
        if low is not None and high is not None and low < 10 and _scale(match[2]) > 1:
            low *= _scale(match[2])  # "2-3k", "两到三千"
        if low is not None and high is not None and LOWEST <= low < high:
            return Price({"price_min": low, "price_max": high}, *match.span())
    return None


def _scale(number: str) -> float:
    return {"k": 1e3, "千": 1e3, "百": 1e2, "万": 1e4}.get(number.strip().lower()[-1:], 1)


def _bound(text: str) -> Price | None:
    for slot, pattern in (("price_near", NEAR), ("price_max", AT_MOST), ("price_min", AT_LEAST)):
        for match in pattern.finditer(text):
            value = next((parse(group) for group in match.groups() if group), None)
            if value is not None and value >= LOWEST:
                # "Nothing over 3k" is at most 3k, "not under 500" at least.
                if slot != "price_near" and DENIED.search(text[: match.start()]):
                    slot = "price_max" if slot == "price_min" else "price_min"
                return Price({slot: value}, *match.span())
    return None


def _plain(text: str) -> Price | None:
    for match in PLAIN.finditer(text):
        value = parse(match[1] or match[2])
        if value is not None and value >= LOWEST:
            return Price({"price_near": value}, *match.span())
    return None
