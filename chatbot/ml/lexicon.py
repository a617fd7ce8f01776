"""The shop's own words, found in a message character by character, so that no segmentation
error can hide them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from chatbot.ml.mending import Mender

if TYPE_CHECKING:
    from chatbot.ml.pipeline import Reader

PRIORITY = {"": 0, "product": 1, "category": 2, "brand": 3, "color": 4, "feature": 5, "goods": 6}
DROPPED = " -_'’·・.&"
_DROPPED = str.maketrans("", "", DROPPED)
OPENING = 2  # letters: names are looked up where one begins so
MASKS = (  # words that contain a shop word and mean something else
    *(
        "手机号",
        "手机号码",
        "手机短信",
        "phone number",
        "mobile number",
        "cell number",
        "phone call",
    ),
    *(
        "完美的",
        "优美的",
        "精美的",
        "最美的",
        "很美的",
        "watch out",
        "take note",
        "博士生",
        "小米粥",
    ),
    *("apple pay", "samsung pay", "apple store", "huawei pay", "苹果支付", "华为支付", "小米支付"),
    *(
        "book me",
        "book a",
        "电话号码",
        "by phone",
        "over the phone",
        "on the phone",
        "手表示",
        "苹果汁",
        "平板电视",
    ),
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and what they stand for: slot `category`, value `phone`."""

    text: str
    slot: str
    value: str


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase seen in a text. `values` are all that these words may stand for."""

    slot: str
    values: tuple[str, ...]
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """What the dialogue has to know of a product."""

    sku: str
    category: str
    brand: str
    price: float
    colors: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """The catalogue as words. Build once per catalogue, ask for every message."""

    phrases: tuple[Phrase, ...] = ()
    items: Mapping[str, Item] = field(default_factory=dict)
    implied: Mapping[str, str] = field(default_factory=dict)  # squeezed words -> category
    known: frozenset[str] = frozenset()  # Latin words that are no misspelling
    trade: frozenset[str] = frozenset()  # words of every shop, mended like the shop's own
    _index: dict[str, tuple[Phrase, ...]] = field(default_factory=dict, init=False, repr=False)
    _lengths: dict[str, list[int]] = field(default_factory=dict, init=False, repr=False)
    _features: dict[str, set[str]] = field(default_factory=dict, init=False, repr=False)
    _mender: Mender = field(init=False, repr=False)

    def __post_init__(self) -> None:
        phrases = (*self.phrases, *(Phrase(text, "", "") for text in MASKS))
        for phrase in phrases:
            key = squeeze(phrase.text)
            if key:
                self._index[key] = (*self._index.get(key, ()), phrase)
        openings: dict[str, set[int]] = {}
        for key in self._index:
            openings.setdefault(key[:OPENING], set()).add(len(key))
        for opening, lengths in openings.items():
            self._lengths[opening] = sorted(lengths, reverse=True)
        for item in self.items.values():
            self._features.setdefault(item.category, set()).update(item.features)
        kinds = [p.text for p in self.phrases if p.slot == "category"]
        mender = Mender.of((p.text for p in phrases), self.trade, kinds, self.known)
        object.__setattr__(self, "_mender", mender)

    @cached_property
    def reader(self) -> "Reader":
        """Reads texts by this catalogue. Made at the first text, for it loads spaCy."""
        from chatbot.ml.pipeline import Reader

        return Reader(self)

    def features_of(self, category: str) -> set[str]:
        return self._features.get(category, set())

    def correct(self, text: str) -> str:
        """The text with misspelt shop words mended."""
        return self._mender.mend(text)

    def find(self, text: str) -> list[Found]:
        """Everything of the shop that is named in the text, longest words first, no overlap."""
        low = _lowered(text)
        squeezed, places = _squeeze_with_places(low)
        found: list[Found] = []
        taken = bytearray(len(squeezed))
        for length, start in sorted(self._candidates(squeezed), key=lambda c: (-c[0], c[1])):
            if 1 in taken[start : start + length]:
                continue
            left, right = places[start], _past_plural(low, places[start + length - 1] + 1)
            if not _stands_alone(low, left, right):
                continue
            taken[start : start + length] = b"\x01" * length
            said = squeezed[start : start + length]
            phrases = self._index[said]
            found.extend(_group(phrases, left, right, text))
            if {p.slot for p in phrases} == {"feature"}:
                found.extend(self._category_within(said, left, right))
        return sorted(found, key=lambda f: (f.start, PRIORITY.get(f.slot, 9)))

    def _candidates(self, squeezed: str) -> list[tuple[int, int]]:
        """(length, start) of whatever is a phrase, overlapping or not."""
        found = []
        for start in range(len(squeezed)):
            opening = squeezed[start : start + OPENING]
            for length in self._lengths.get(opening, ()):
                if (
                    start + length <= len(squeezed)
                    and squeezed[start : start + length] in self._index
                ):
                    found.append((length, start))
            if len(opening) == OPENING and opening[0] in self._index:
                found.append((1, start))
        return found

    def _category_within(self, words: str, left: int, right: int) -> list[Found]:
        """A feature may be named by words that hold its category: 防晒霜 is 防晒 too."""
        inside = (words[i:j] for i in range(len(words)) for j in range(i + 2, len(words) + 1))
        kinds = [
            p.value for key in inside for p in self._index.get(key, ()) if p.slot == "category"
        ]
        return [Found("category", tuple(dict.fromkeys(kinds)), left, right, words)] if kinds else []


def squeeze(text: str) -> str:
    """Lower case without blanks and joints: `Mate 60` and `mate-60` are the same words."""
    return text.lower().translate(_DROPPED)


def _lowered(text: str) -> str:
    """Lower case, every character where it stood (some have two as small letters)."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(min(c.lower(), c, key=len) for c in text)


def _squeeze_with_places(text: str) -> tuple[str, list[int]]:
    places = [place for place, c in enumerate(text) if c not in DROPPED]
    return "".join(text[place] for place in places), places


def _kind(char: str) -> str:
    if char.isascii() and char.isalpha():
        return "letter"
    return "digit" if char.isdigit() else ""


def _stands_alone(text: str, left: int, right: int) -> bool:
    """A Latin word or a number is not found inside a longer one."""
    first, last = _kind(text[left]), _kind(text[right - 1])
    before = _kind(text[left - 1]) if left else ""
    after = _kind(text[right]) if right < len(text) else ""
    return not (first and first == before) and not (last and last == after)


def _past_plural(text: str, right: int) -> int:
    if _kind(text[right - 1]) != "letter":
        return right
    match = re.match(r"(?:es|s|'s)(?![a-z])", text[right:])
    return right + match.end() if match else right


def _group(phrases: tuple[Phrase, ...], left: int, right: int, text: str) -> list[Found]:
    slots: dict[str, list[str]] = {}
    for phrase in phrases:
        values = slots.setdefault(phrase.slot, [])
        if phrase.value not in values:
            values.append(phrase.value)
    return [
        Found(slot, tuple(values), left, right, text[left:right])
        for slot, values in slots.items()
        if slot
    ]
