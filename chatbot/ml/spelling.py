"""Words that nobody taught, read as the taught word that was probably meant.

Candidates are found by leaving letters out on both sides (Garbe 2012); the one that is nearest,
most frequent and most at home after the word before is taken. Latin letters only.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import log

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?", re.IGNORECASE)
SHORT, LONG = 3, 6  # letters: shorter words stay as they are, longer may have two mistakes
STEP = 2.5  # what each mistake costs, in logarithms of frequency
FREQUENT, AT_HOME, FIRST = 0.35, 0.5, 0.5  # what frequency, the word before, the first letter tell
LONGEST = 20  # letters; longer ones are no words
MOST_WORDS = 60  # of one text that are looked at


class Speller:
    """words: each taught word, and each pair of them ("lost card"), with the number of texts.
    is_word: whether a word exists at all, taught or not."""

    def __init__(self, words: Mapping[str, int], is_word: Callable[[str], bool]) -> None:
        self.is_word = is_word
        self.words = {word for word in words if " " not in word}
        self.frequent = {term: log(number) for term, number in words.items() if number > 1}
        self.index: dict[str, list[str]] = {}
        for word in sorted(self.words & self.frequent.keys()):
            if SHORT <= len(word) <= LONGEST and WORD.fullmatch(word):
                for rest in _without(word, _mistakes(word)):
                    self.index.setdefault(rest, []).append(word)

    def __call__(self, text: str) -> str:
        """The text with unknown words replaced; capitals and everything else stay."""
        found = list(WORD.finditer(text))[:MOST_WORDS]
        if all(match.group().lower() in self.words for match in found):
            return text
        read, before, end = [], "", 0
        for match in found:
            before = self._meant(match.group().lower(), before)
            read += [text[end : match.start()], _as_written(before, match.group())]
            end = match.end()
        return "".join([*read, text[end:]])

    def _meant(self, word: str, before: str) -> str:
        if word in self.words or not SHORT <= len(word) <= LONGEST or self.is_word(word):
            return word
        most = _mistakes(word)
        near = {c for rest in _without(word, most) for c in self.index.get(rest, ())}
        far = {candidate: distance(word, candidate) for candidate in sorted(near)}
        return max(
            (candidate for candidate in far if far[candidate] <= most),
            key=lambda candidate: (
                FREQUENT * self.frequent[candidate]
                + AT_HOME * self.frequent.get(f"{before} {candidate}", 0.0)
                + FIRST * (candidate[0] == word[0])
                - STEP * far[candidate]
            ),
            default=word,
        )


def distance(one: str, other: str) -> int:
    """How many letters were left out, put in, replaced or exchanged with the next."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            least = min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before, last = last, row
    return last[-1]


def _mistakes(word: str) -> int:
    return 2 if len(word) >= LONG else 1


@lru_cache(maxsize=1_000)
def _without(word: str, most: int) -> frozenset[str]:
    """The word with up to so many letters left out."""
    found = last = {word}
    for _ in range(most):
        last = {rest[:i] + rest[i + 1 :] for rest in last for i in range(len(rest))}
        found = found | last
    return frozenset(found)


def _as_written(word: str, written: str) -> str:
    if word == written.lower():
        return written
    if written.isupper() and len(written) > 1:
        return word.upper()
    return word.capitalize() if written[0].isupper() else word
