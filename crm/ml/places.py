"""Where each character of a normalised text stood in the text as it was typed."""

import difflib
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from crm.ml.text import INVISIBLE, normalise, simplified

Place = tuple[int, int]  # start and end, in the text as it was typed
JOINING = range(0x1160, 0x1200)  # Korean letters that go into the syllable before them


def places_of(text: str) -> list[Place]:
    """One place for each character of `normalise(text)`."""
    if normalise(text) == text:
        return [(at, at + 1) for at in range(len(text))]
    composed, places = _composed(text)
    simple = simplified(composed)
    return _tidied(simple, carried(composed, simple, places))


def carried(before: str, after: str, places: Sequence[Place]) -> list[Place]:
    """The places of a text whose words were changed here and there: what stayed keeps its place,
    what came instead takes the place of what it replaced."""
    if len(before) == len(after):
        return list(places)
    found: list[Place] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        if b - a == d - c:
            found += places[a:b]
        elif b > a:
            found += [(places[a][0], places[b - 1][1])] * (d - c)
        else:
            edge = places[a][0] if a < len(places) else (places[-1][1] if places else 0)
            found += [(edge, edge)] * (d - c)
    return found


def _composed(text: str) -> tuple[str, list[Place]]:
    """The text in compatible characters (NFKC): one may become several, several one."""
    starts = [at for at, c in enumerate(text) if at == 0 or not _joins(c)]
    parts = [
        (unicodedata.normalize("NFKC", text[a:b]), (a, b))
        for a, b in pairwise([*starts, len(text)])
    ]
    composed = "".join(part for part, _ in parts)
    whole = unicodedata.normalize("NFKC", text)
    places = [place for part, place in parts for _ in part]
    return whole, carried(composed, whole, places)


def _joins(char: str) -> bool:
    return unicodedata.category(char).startswith("M") or ord(char) in JOINING


def _tidied(text: str, places: Sequence[Place]) -> list[Place]:
    """Without invisible characters; of a run of blanks, one; none at either end."""
    found: list[Place] = []
    was_blank = True
    for char, place in zip(text, places, strict=True):
        if INVISIBLE.match(char):
            continue
        is_blank = char == " " or not char.isprintable()
        if is_blank and was_blank:
            continue
        found.append(place)
        was_blank = is_blank
    return found[:-1] if found and was_blank else found
