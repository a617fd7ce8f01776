"""What a message names: goods from the catalogue, prices, days, numbers, people, channels."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from chatbot.ml import dates, people, prices, words
from chatbot.ml.lexicon import Found, Lexicon
from chatbot.ml.numbers import CHINESE_NUMBER, parse

LISTS = ("category", "brand", "product", "color", "feature", "ordinal", "exclude_brand", "size")
ORDER = re.compile(r"(?<![A-Za-z\d])([A-Za-z]{1,4})[\s#-]*((?:\d[\s-]?){5,15}\d)(?!\d)")
BARE_ORDER = re.compile(r"(?<![\d.])(\d{7,16})(?![\d.])")
ORDINAL_WORDS = {
    **{"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4},
    **{"fifth": 5, "5th": 5, "sixth": 6, "6th": 6, "last": -1, "final": -1},
}
ZH_ORDINAL = re.compile(
    rf"(?:第|编号)\s*(\d{{1,2}}|{CHINESE_NUMBER})\s*(?:个|款|件|双|条|部|台|种|只|张|项|号)?"
)
ZH_LAST = re.compile(r"最后(?:面)?(?:的)?(?:那|一)?(?:一)?(?:个|款|件|双|条|部|台)|倒数第一")
ZH_FIRST_N = re.compile(r"前(?:面)?(两|二|三|2|3|俩)(?:个|款|件|双|条|部|台|种)")
EN_ORDINAL = re.compile(
    r"\b(1st|2nd|3rd|4th|5th|6th|first|second|third|fourth|fifth|sixth|last|final)\b"
    r"(?!\s+(?:time|order|week|month|night|year|day|monday|tuesday|wednesday|thursday|friday|saturday|sunday|name|purchase))",
    re.IGNORECASE,
)
EN_FIRST_N = re.compile(r"\bfirst (two|three|2|3)\b", re.IGNORECASE)
NUMBERED = re.compile(r"\b(?:number|no\.?|option|#)\s*(\d)\b", re.IGNORECASE)
QUANTITY = re.compile(
    rf"(?<![第这那哪每另前再换])(?<!已经有)(?<!已经买)(\d{{1,3}}|{CHINESE_NUMBER})\s*(?:个|件|双|条|部|台|只|瓶|盒|份|套|支|把|口|床|袋|包|罐|箱|本|对|副|枚|根|桶|打|串|朵|架|辆|枝|顶|片|卷|盏|张|块|管|颗|款)(?!月|星期|人|小时|字|问题|牌子|颜色|钱|券|优惠)"
    r"|\b(\d{1,3})\s*(?:of (?:them|these|those|it)|pieces?|pcs|units?|x\b|pairs?)"
    r"|(?:add|buy|take|order|want|get|need|put|pop|throw|stick)\s+(?:me\s+)?(\d{1,2}|two|three|four|five|six|ten|a pair)\b"
    r"|\b(?:put|add|pop) (one) (?:in|to)\b"
    r"|\b(two|three|four|five|six|ten) (?:of (?:them|these|those)|pieces|units|pairs)",
    re.IGNORECASE,
)
SIZE = re.compile(
    r"(?<![\dA-Za-z])(\d{2}(?:\.5)?|XXXL|XXL|XL|XS|[A-Z])\s*(?:码(?!数|表)|号(?!线))"
    r"|(?:有(?:没有)?|要|换)(\d{2}(?:\.5)?)的|(?<!\d)(\d{2}(?:\.5)?)的(?:有|还有)"
    r"|\b(?:size|in|an?)\s+(?:an?\s+)?(\d{2}(?:\.5)?(?!\s*(?:%|days?|hours?))|XXL|XL|XS|S|M|L)\b(?!')"
    r"|\b(?:eu|eur)\s*(\d{2})\b|\b(\d{2}|XXL|XL|XS|S|M|L)\s+(?:size|in stock)\b",
    re.IGNORECASE,
)
SIZE_WORDS = {"加大码": "XL", "大码": "L", "中码": "M", "小码": "S"}
EN_SIZE = re.compile(
    r"\b(?:size|in|an?)\s+(small|medium|large)\b(?!\s+(?:screen|phone|one))", re.IGNORECASE
)


def _compiled(table: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {name: re.compile(p, re.IGNORECASE | re.ASCII) for name, p in table.items()}


TOLD = {  # of each, one value at most
    "aspect": _compiled(words.ASPECTS),
    "return_type": _compiled(words.RETURN_TYPES),
    "relative": _compiled(words.RELATIVES),
    "channel": _compiled(words.CHANNELS),
}
ASIDE = _compiled(  # said of a search, and not among the entities that are reported
    {
        "price_any": words.PRICE_ANY,
        "brand_any": words.BRAND_ANY,
        "color_any": words.COLOR_ANY,
        "other_brand": words.OTHER_BRAND,
    }
)
NEGATOR = re.compile(words.NEGATORS, re.IGNORECASE)
CORRECTION = re.compile(words.CORRECTION, re.IGNORECASE)
CLAUSE_END = re.compile(r"[,，。;；!！?？]|有没有|是不是|要不要")
IN_STOCK = re.compile(
    r"有|还剩|\b(?:have|got|available|left|get|comes?)\b", re.IGNORECASE | re.ASCII
)
NOT_THEIRS = re.compile(
    r"不[要看想考虑]{1,2}(?:它|他|她|这|那)家?的?|\bnot (?:them|theirs|that brand)\b"
)
REJECTED = re.compile(  # after a name: 苹果除外, 戴森的就不用了, 欧乐B的也别给我看
    r"(?:牌子?|家)?的?(?:那些|[\u4e00-\u9fff]{0,2})?[\s,，]*(?:就|也|都|我)*"
    r"(?:除外|免了|算了|pass\b|(?:不要|不用|不考虑|不看|不想[要看]|不喜欢)(?:看|推荐?|提|给我)*(?:$|(?=[了的吧啊哦\s,，。.!！;；]))"
    r"|别(?:给我)?(?:看|推荐?|推|提|来|拿))"
    r"|\s*(?:is |are )?(?:excluded|aside|out\b)",
    re.IGNORECASE,
)
BOUGHT = re.compile(
    r"(?:买|下单|收到|拍)(?:了|的)|那[单个张]订?单?的?$|\b(?:bought|ordered)\b", re.I
)
ANEW = re.compile(r"^\s*(?:[个台部双件条块副款支]|an?\b)?\s*(?:新的?|new)?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Entity:
    """One thing named: its slot, its normal form, and where it stands."""

    slot: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True)
class Scene:
    """What may help to read a message: the day it is, and what is being talked about."""

    today: date
    category: str = ""


def as_slots(entities: Iterable[Entity]) -> dict[str, Any]:
    """Slot → normal form; a list where a slot was named more than once."""
    slots: dict[str, Any] = {}
    for entity in entities:
        before = slots.get(entity.slot)
        if before is None:
            slots[entity.slot] = entity.value
        elif entity.slot in LISTS:
            values = before if isinstance(before, list) else [before]
            if entity.value not in values:
                slots[entity.slot] = [*values, entity.value]
    return slots


def orders(text: str) -> tuple[str, list[Entity]]:
    """The text without its order numbers, as long as before, and these."""
    entities = []
    for match in ORDER.finditer(text):
        number = (match[1] + re.sub(r"[\s-]", "", match[2])).upper()
        entities.append(Entity("order_id", number, *match.span()))
    rest = strike_out(text, [(e.start, e.end) for e in entities])
    bare = BARE_ORDER.search(rest)
    if not entities and bare:
        entities.append(Entity("order_id", bare[1], *bare.span()))
        rest = strike_out(rest, [bare.span()])
    return rest, entities


def strike_out(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with these places struck out, as long as before."""
    for start, end in spans:
        text = text[:start] + "\x00" * (end - start) + text[end:]
    return text


def goods(found: list[Found], text: str, lexicon: Lexicon, scene: Scene) -> list[Entity]:
    """Names of the catalogue that were found in the text, wanted or excluded."""
    kinds = [f.values[0] for f in found if f.slot == "category"]
    named = kinds[-1] if kinds else scene.category  # the last said: what comes before is corrected
    here = lexicon.features_of(named)
    entities: list[Entity] = []
    excluded_until = -1
    for f in found:
        value = next((v for v in f.values if f.slot == "feature" and v in here), f.values[0])
        excluded = (
            _is_negated(text, f.start)
            or _continues(text, excluded_until, f.start)
            or (f.slot in ("brand", "category") and _is_rejected(text, f))
            or (f.slot == "brand" and NOT_THEIRS.search(text[f.end :]) is not None)
        )
        if f.slot == "category" and _belongs(text, excluded_until, f.start):
            excluded = False  # "anything but Sony headphones" still wants headphones
        if excluded:
            excluded_until = f.end
            if f.slot in ("brand", "category"):
                entities.append(Entity(f"exclude_{f.slot}", value, f.start, f.end))
            continue
        if not (f.slot == "feature" and named and here and not set(f.values) & here):
            entities.append(Entity(f.slot, value, f.start, f.end))
    return entities


def _is_negated(text: str, start: int) -> bool:
    """A negator stands right before: "不要苹果的", "not an Apple", "anything but Sony"."""
    before = CLAUSE_END.split(text[max(0, start - 24) : start])[-1]
    match = list(NEGATOR.finditer(before))
    if not match:
        return False
    between = before[match[-1].end() :].strip()
    return len(between) <= (3 if re.search(r"[\u3400-\u9fff]", before) else 10)


def _is_rejected(text: str, found: Found) -> bool:
    """It is turned down after its name; who no longer wants what was bought turns down none."""
    bought = BOUGHT.search(text[: found.start])
    return bought is None and REJECTED.match(text[found.end :]) is not None


def _continues(text: str, excluded_until: int, start: int) -> bool:
    """The second of a list that is excluded: "不要苹果和三星"."""
    if excluded_until < 0:
        return False
    between = text[excluded_until:start].strip().lower()
    return between in ("和", "或", "或者", "、", "跟", "and", "or", "nor", ",", "/", "，", "及")


def _belongs(text: str, excluded_until: int, start: int) -> bool:
    return excluded_until >= 0 and text[excluded_until:start].strip() in (
        "",
        "的",
        "家的",
        "牌的",
        "牌",
    )


def _price(text: str, scene: Scene) -> list[Entity]:
    cut = max((correction.end() for correction in CORRECTION.finditer(text)), default=0)
    price = prices.find(text, corrected_at=cut)
    if price is None:
        return []
    return [
        Entity(slot, int(value) if value == int(value) else value, price.start, price.end)
        for slot, value in price.slots.items()
    ]


def _date(text: str, scene: Scene) -> list[Entity]:
    found = dates.find(text, scene.today)
    return [Entity("date", found[0].isoformat(), found[1], found[2])] if found else []


def _sizes(text: str, scene: Scene) -> list[Entity]:
    match = SIZE.search(text)
    if match:
        value = next(group for group in match.groups() if group).upper()
        return [Entity("size", value, *match.span())]
    if match := EN_SIZE.search(text):
        return [Entity("size", match[1][0].upper(), *match.span())]
    if "多大码" in text:
        return []
    places = ((text.find(word), word, size) for word, size in SIZE_WORDS.items())
    return [Entity("size", size, at, at + len(word)) for at, word, size in places if at >= 0][:1]


def _ordinals(text: str, scene: Scene) -> list[Entity]:
    if match := ZH_FIRST_N.search(text) or EN_FIRST_N.search(text):
        count = 3 if match[1].lower() in ("三", "3", "three") else 2
        return [Entity("ordinal", n, *match.span()) for n in range(1, count + 1)]
    entities = []
    for match in ZH_ORDINAL.finditer(text):
        if value := parse(match[1]):
            entities.append(Entity("ordinal", int(value), *match.span()))
    entities += [Entity("ordinal", -1, *match.span()) for match in ZH_LAST.finditer(text)]
    for match in EN_ORDINAL.finditer(text):
        entities.append(Entity("ordinal", ORDINAL_WORDS[match[1].lower()], *match.span()))
    entities += [Entity("ordinal", int(m[1]), *m.span()) for m in NUMBERED.finditer(text)]
    return entities


def _quantities(text: str, scene: Scene) -> list[Entity]:
    matches = list(QUANTITY.finditer(text))
    if not matches:
        return []
    cut = max((correction.end() for correction in CORRECTION.finditer(text)), default=0)
    match = next((match for match in matches if match.start() >= cut), matches[0])
    word = next(group for group in match.groups() if group)
    value = 1 if word.lower() == "a pair" else parse(word)
    return [Entity("quantity", int(value), *match.span())] if value else []


AMOUNTS = (_price, _date, _sizes, _ordinals, _quantities)  # each reads what those before left


def hints(text: str) -> list[Entity]:
    """What else is told: aspects, ways to return, comparisons, channels, people."""
    entities: list[Entity] = []
    for slot, table in TOLD.items():
        for value, pattern in table.items():
            if match := pattern.search(text):
                entities.append(Entity(slot, value, *match.span()))
                break
    for slot, pattern in ASIDE.items():
        if match := pattern.search(text):
            entities.append(Entity(slot, True, *match.span()))
    if somebody := people.find(text):
        entities.append(Entity("recipient", *somebody))
    return entities


def without_new_wishes(found: list[Entity], goods: list[Entity], text: str) -> list[Entity]:
    """Who wants a phone "in exchange for" the old one (想换个手机, a replacement phone) looks for
    goods, and gives nothing back."""
    kinds = [e for e in goods if e.slot in ("category", "brand")]

    def is_new(wish: Entity) -> bool:
        return any(
            ANEW.match(text[wish.end : kind.start]) for kind in kinds if kind.start >= wish.end
        )

    return [e for e in found if not (e.value == "exchange" and is_new(e))]


def size_in_stock(text: str, entities: list[Entity]) -> list[Entity]:
    """Who asks whether there is a size asks for its stock."""
    size = next((e for e in entities if e.slot == "size"), None)
    if size is None or any(e.slot == "aspect" for e in entities) or not IN_STOCK.search(text):
        return []
    return [Entity("aspect", "stock", size.start, size.end)]


def corrected(text: str, entities: list[Entity]) -> list[Entity]:
    """What is said after a correction ("no, the vacuum") replaces what was said before it."""
    cuts = list(CORRECTION.finditer(text))
    if not cuts:
        return entities
    cut = cuts[-1].end()
    later = {e.slot for e in entities if e.start >= cut}
    if not later:
        return entities
    return [e for e in entities if e.start >= cut or e.slot not in later | {"relative"}]
