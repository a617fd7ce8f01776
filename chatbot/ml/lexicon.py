"""The shop's own words, found in a message character by character, so that no segmentation
error can hide them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

PRIORITY = {"": 0, "product": 1, "category": 2, "brand": 3, "color": 4, "feature": 5, "goods": 6}
DROPPED = " -_'’·・.&"
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
    *("电话号码", "by phone", "over the phone", "on the phone", "手表示", "苹果汁", "平板电视"),
)


@dataclass(frozen=True)
class Phrase:
    """Words, and what they stand for: slot `category`, value `phone`."""

    text: str
    slot: str
    value: str


@dataclass(frozen=True)
class Found:
    """A phrase seen in a text. `values` are all that these words may stand for."""

    slot: str
    values: tuple[str, ...]
    start: int
    end: int
    text: str


@dataclass(frozen=True)
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
    _index: dict[str, list[Phrase]] = field(default_factory=dict, init=False, repr=False)
    _lengths: list[int] = field(default_factory=list, init=False, repr=False)
    _words: dict[int, set[str]] = field(default_factory=dict, init=False, repr=False)
    _sounds: dict[tuple[str, ...], str] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        masks = (Phrase(text, "", "") for text in MASKS)
        for phrase in (*self.phrases, *masks):
            key = squeeze(phrase.text)
            if key:
                self._index.setdefault(key, []).append(phrase)
            for word in re.findall(r"[a-z]{5,}", phrase.text.lower()):
                self._words.setdefault(len(word), set()).add(word)
            if phrase.slot == "category" and re.fullmatch(r"[\u3400-\u9fff]{3,6}", phrase.text):
                self._sounds.setdefault(sounds_of(phrase.text), phrase.text)
        for word in self.trade:
            self._words.setdefault(len(word), set()).add(word)
        self._lengths.extend(sorted({len(key) for key in self._index}, reverse=True))

    def features_of(self, category: str) -> set[str]:
        return {
            feature
            for item in self.items.values()
            if item.category == category
            for feature in item.features
        }

    def names(self) -> tuple[str, ...]:
        """Words that belong to no language: brands and products."""
        return tuple(p.text for p in self.phrases if p.slot in ("brand", "product"))

    def find(self, text: str) -> list[Found]:
        """Everything of the shop that is named in the text, longest words first, no overlap."""
        squeezed, places = _squeeze_with_places(text.lower())
        found: list[Found] = []
        taken = [False] * len(squeezed)
        for length in self._lengths:
            for start in range(len(squeezed) - length + 1):
                if any(taken[start : start + length]):
                    continue
                phrases = self._index.get(squeezed[start : start + length])
                if not phrases:
                    continue
                left, right = places[start], places[start + length - 1] + 1
                right = _past_plural(text.lower(), right)
                if not _stands_alone(text.lower(), left, right):
                    continue
                for place in range(start, start + length):
                    taken[place] = True
                found.extend(_group(phrases, left, right, text))
                if {p.slot for p in phrases} == {"feature"}:
                    found.extend(
                        self._category_within(squeezed[start : start + length], left, right)
                    )
        return sorted(found, key=lambda f: (f.start, PRIORITY.get(f.slot, 9)))

    def _category_within(self, words: str, left: int, right: int) -> list[Found]:
        """A feature may be named by words that hold its category: 防晒霜 is 防晒 too."""
        inside = (words[i:j] for i in range(len(words)) for j in range(i + 2, len(words) + 1))
        kinds = [
            p.value for key in inside for p in self._index.get(key, ()) if p.slot == "category"
        ]
        return [Found("category", tuple(dict.fromkeys(kinds)), left, right, words)] if kinds else []

    def correct(self, text: str) -> str:
        """Mend misspelt shop words: one letter in a word of five, two in a word of seven, and
        Chinese characters that sound alike in a word of three or more."""
        text = re.sub(r"[A-Za-z]{5,}", lambda match: self._mend(match.group()), text)
        return re.sub(r"[\u3400-\u9fff]{3,}", lambda match: self._by_sound(match.group()), text)

    def _by_sound(self, run: str) -> str:
        for length in sorted({len(sound) for sound in self._sounds}, reverse=True):
            for start in range(len(run) - length + 1):
                said = run[start : start + length]
                meant = self._sounds.get(sounds_of(said))
                if (
                    meant
                    and meant != said
                    and sum(a == b for a, b in zip(said, meant, strict=True)) * 2 >= length
                ):
                    run = run[:start] + meant + run[start + length :]
        return run

    def _mend(self, word: str) -> str:
        low = word.lower()
        singular = low[:-1] if low.endswith("s") else low
        if {low, singular} & self.known or self._is_word(low) or self._is_word(singular):
            return word
        candidates = [w for w in self._near(low) if not low.startswith(w)]  # phoned is no phone
        candidates = [w for w in candidates if w[0] == low[0] or w[:2] == low[1::-1]]
        near = [w for w in candidates if _is_close(low, w)]
        near = near or [w for w in candidates if _is_close(singular, w)]
        return near[0] if len(near) == 1 else word

    def _is_word(self, word: str) -> bool:
        return word in self._words.get(len(word), ())

    def _near(self, word: str) -> Iterable[str]:
        for length in range(len(word) - 2, len(word) + 3):
            yield from sorted(self._words.get(length, ()))


@lru_cache(maxsize=20_000)
def _sound_of(char: str) -> str:
    from pypinyin import lazy_pinyin  # its dictionary takes a moment to load

    return str(lazy_pinyin(char)[0])


def sounds_of(text: str) -> tuple[str, ...]:
    """The sound of each character, without its tone."""
    return tuple(_sound_of(char) for char in text)


def squeeze(text: str) -> str:
    """Lower case without blanks and joints: `Mate 60` and `mate-60` are the same words."""
    return "".join(c for c in text.lower() if c not in DROPPED)


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


def _group(phrases: list[Phrase], left: int, right: int, text: str) -> list[Found]:
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


def _is_close(word: str, other: str) -> bool:
    allowed = 2 if len(other) >= 7 else 1
    return abs(len(word) - len(other)) <= allowed and _distance(word, other) <= allowed


def _distance(a: str, b: str) -> int:
    """Edits between two words; swapped neighbours count as one."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            cost = min(row[j - 1] + 1, rows[i - 1][j] + 1, rows[i - 1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
