"""Copies of texts with typing errors, and with words of the other language, so that a classifier
learns to read past them."""

import re
from collections.abc import Sequence

import numpy as np


def mistyped(
    texts: Sequence[str], *, share: float, rng: np.random.Generator
) -> list[tuple[str, int]]:
    """(copy with one error in about eight letters, row it comes from) for a share of the texts."""
    chosen = [row for row, text in enumerate(texts) if len(text) > 3 and rng.random() < share]
    return [(_spoil(texts[row], rng), row) for row in chosen]


def _spoil(text: str, rng: np.random.Generator) -> str:
    letters = list(text)
    for _ in range(max(1, len(letters) // 8)):
        place = int(rng.integers(len(letters) - 1))
        kind = int(rng.integers(3))
        if kind == 0:
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        elif kind == 1 and len(letters) > 3:
            del letters[place]
        else:
            letters.insert(place, letters[place])
    return "".join(letters)


def mixed(
    texts: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    share: float,
    rng: np.random.Generator,
) -> list[tuple[str, int]]:
    """(copy with one word said in the other language, row it comes from) for a share of the texts.

    pairs: (Chinese, English) words that mean the same.
    """
    there = [(zh, re.compile(rf"\b{re.escape(en)}\b", re.IGNORECASE), en) for zh, en in pairs]
    copies = []
    for row, text in enumerate(texts):
        ways = [
            f"{text[:at]} {en} {text[at + len(zh) :]}".strip()
            for zh, _, en in there
            if (at := text.find(zh)) >= 0
        ]
        ways += [english.sub(zh, text, count=1) for zh, english, _ in there if english.search(text)]
        if ways and rng.random() < share:
            copies.append((ways[int(rng.integers(len(ways)))], row))
    return copies
