"""Misspelt shop words: one letter in a word of five, two in a word of seven, and Chinese
characters that sound alike, where half of a word is right."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, product
from typing import Self

from crm.ml.text import tokens_of

LATIN = re.compile(r"[A-Za-z]{5,}")
HAN = re.compile(r"[\u3400-\u9fff]{2,}")
LITTLE = frozenset("几及即既还换就也又再已把给没有是在不只和很")  # words of their own
MOST_OTHERS = 5  # letters in one of two words alone, after two slips and a plural
REMEMBERED = 5_000  # words
LONGEST = 6  # characters of a name that is known by its sound


@dataclass
class Mender:
    """The words that may have been meant."""

    known: frozenset[str] = frozenset()  # Latin words that are no misspelling
    words: set[str] = field(default_factory=set)
    near: dict[tuple[int, str], list[tuple[str, int]]] = field(
        default_factory=dict
    )  # by length and first letter
    sounds: dict[tuple[str, ...], str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        phrases: Iterable[str],
        trade: Iterable[str],
        kinds: Iterable[str],
        known: frozenset[str],
    ) -> Self:
        """`phrases` and `trade` give the Latin words, `kinds` of goods the Chinese ones."""
        words = {word for phrase in phrases for word in LATIN.findall(phrase.lower())}
        mender = cls(known, words | set(trade))
        for word in sorted(mender.words):
            mender.near.setdefault((len(word), word[0]), []).append((word, _letters(word)))
        for kind in kinds:
            if HAN.fullmatch(kind) and len(kind) <= LONGEST:
                mender.sounds.setdefault(sounds_of(kind), kind)
        return mender

    def mend(self, text: str) -> str:
        text = LATIN.sub(lambda match: self._meant(match.group()), text)
        return HAN.sub(lambda match: self._by_sound(match.group()), text)

    def _by_sound(self, run: str) -> str:
        for length in sorted({len(sound) for sound in self.sounds}, reverse=True):
            for start in range(len(run) - length + 1):
                said = run[start : start + length]
                meant = self.sounds.get(sounds_of(said))
                if meant and meant != said and _is_meant(said, meant, run, start):
                    run = run[:start] + meant + run[start + length :]
        return run

    def _meant(self, word: str) -> str:
        """Words that were looked at are remembered: the same ones are said again and again."""
        meant = self.seen.get(word)
        if meant is None:
            meant = self._nearest(word)
            if len(self.seen) < REMEMBERED:
                self.seen[word] = meant
        return meant

    def _nearest(self, word: str) -> str:
        low = word.lower()
        singular = low[:-1] if low.endswith("s") else low
        if {low, singular} & self.known or {low, singular} & self.words:
            return word
        candidates = [w for w in self._near(low) if not low.startswith(w)]  # phoned is no phone
        near = [w for w in candidates if _is_close(low, w)]
        near = near or [w for w in candidates if _is_close(singular, w)]
        longest = max(near, key=len, default=word)
        return longest if all(longest.startswith(w) for w in near) else word  # a word, its plural

    def _near(self, word: str) -> Iterable[str]:
        """Words about as long that begin alike, the first two letters swapped or not."""
        letters = _letters(word)
        openings = {word[1]: word[0], word[0]: ""}  # first letter -> the one after it
        lengths = range(len(word) - 2, len(word) + 3)
        for length, (first, second) in product(lengths, openings.items()):
            for near, others in self.near.get((length, first), ()):
                same = near.startswith(second, 1)
                if same and (letters ^ others).bit_count() <= MOST_OTHERS:
                    yield near


def _letters(word: str) -> int:
    """Which letters are in a word, as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


@lru_cache(maxsize=20_000)
def _sound_of(char: str) -> str:
    from pypinyin import lazy_pinyin  # its dictionary takes a moment to load

    return str(lazy_pinyin(char)[0])


def sounds_of(text: str) -> tuple[str, ...]:
    """The sound of each character, without its tone."""
    return tuple(_sound_of(char) for char in text)


def _is_meant(said: str, meant: str, run: str, start: int) -> bool:
    """Half of the characters are right; of two, neither belongs to another word beside it."""
    if sum(a == b for a, b in zip(said, meant, strict=True)) * 2 < len(said):
        return False
    if len(said) > 2:
        return True
    ends = list(accumulate(len(word) for word in tokens_of(run)))
    words = zip([0, *ends], ends, strict=False)
    cut = {place for word in words if word[0] < start + 2 and word[1] > start for place in word}
    return {start, start + 2} <= cut <= {start, start + 1, start + 2} and not set(said) & LITTLE


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
