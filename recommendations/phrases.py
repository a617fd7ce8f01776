"""What a customer did, with which products, in a few words of Chinese or English."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

Names = Mapping[str, str]  # {"en": …, "zh": …}

DEEDS = {
    "bought": ("bought {}", "买过{}"),
    "added": ("put {} in your cart", "把{}加入过购物车"),
    "viewed": ("looked at {}", "看过{}"),
    "clicked": ("looked at {}", "看过{}"),
    "rated": ("rated {} highly", "给{}打过高分"),
    "wished": ("put {} on your wish list", "收藏过{}"),
    "mentioned": ("asked about {}", "咨询过{}"),
}
WIDEST = 84  # letters of all the titles of one sentence; a Chinese character is two wide


def name(value: Names, chinese: bool) -> str:
    return str((value["zh"] if chinese else "") or value["en"])


def own(deed: str, chinese: bool) -> str:
    """What they did with the very product that the sentence is about."""
    phrase = DEEDS[deed][chinese]
    return f"您{phrase.format('它')}" if chinese else f"you {phrase.format('it')}"


def because(named: Sequence[Mapping[str, Any]], chinese: bool) -> str:
    """The sentence of several deeds: `deed` and `product` of each, the weightiest first."""
    titles = [name(one["product"], chinese) for one in named]
    fit = _fitting(titles)
    phrases = _by_phrase(named, titles, chinese)
    if len(phrases) > 1 and fit < len(titles):
        every = listed(titles, 0, chinese)
        return f"因为您对{every}感兴趣" if chinese else f"because of your interest in {every}"
    said = [phrase.format(listed(those, 0, chinese)) for phrase, those in phrases.items()]
    if chinese:
        return f"因为您{'，'.join(said)}"
    # "bought A and B, and looked at C": a list within a list needs its comma.
    link = ", and " if any(len(those) > 1 for those in phrases.values()) else " and "
    return f"because you {_joined(said, link)}"


def listed(titles: Sequence[str], more: int, chinese: bool) -> str:
    """“A, B and 5 more”: as many of the titles as a sentence holds, and `more` besides."""
    different = list(dict.fromkeys(titles))
    fit = _fitting(different)
    shown, more = different[:fit], more + len(different) - fit
    if chinese:
        if more:
            return f"{'、'.join(shown)}等{len(shown) + more}件商品"
        return _joined(shown, "和", between="、")
    return _joined([*shown, f"{more} more"] if more else shown, " and ")


def _by_phrase(
    named: Sequence[Mapping[str, Any]], titles: Iterable[str], chinese: bool
) -> dict[str, list[str]]:
    """A look is a look, by whatever link."""
    found: dict[str, list[str]] = {}
    for one, title in zip(named, titles, strict=True):
        found.setdefault(DEEDS[one["deed"]][chinese], []).append(title)
    return found


def _joined(parts: Sequence[str], last: str, *, between: str = ", ") -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{between.join(parts[:-1])}{last}{parts[-1]}"


def _fitting(titles: Sequence[str]) -> int:
    """How many of these titles, from the first, fit into one sentence; the first always does."""
    room = WIDEST
    for number, title in enumerate(titles):
        room -= sum(2 if east_asian_width(letter) in "WF" else 1 for letter in title)
        if room < 0:
            return max(number, 1)
    return len(titles)
