"""The lists of every voice of the champion beside each other, for staff."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from crm.models import Product
from recommendations import lines, lists, scoring
from recommendations.asking import Situation
from recommendations.exclusions import Cause
from recommendations.exploration import Drawn
from recommendations.lines import Telling
from recommendations.ranking import Ranking
from recommendations.recommended import Recommended
from recommendations.scoring import RIVALS
from recommendations.verdicts import causes


@dataclass(frozen=True)
class LeftOut:
    """A product that this ranking would have shown, and what keeps it off."""

    product: Product
    rank: int  # among all products
    score: float
    causes: tuple[Cause, ...]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One column of the comparison."""

    name: str  # of the algorithm, or "blend", "shown"
    settings: dict[str, Any]  # of the algorithm: one may be heard twice with other settings
    weight: float | None  # its share of the blend for this customer, 0 to 1
    lines: list[Recommended]
    left_out: list[LeftOut]


def compare(situation: Situation) -> list[Side]:
    """The loudest voice first, then the blend by score alone, then the list as it is shown.

    With nothing trained, or nothing known of the customer, only what is shown.
    """
    asked = situation.asked
    if asked.n < 1:
        return []
    heard = scoring.speaking(situation.touches, now=asked.now)
    ranked = heard.blended() if heard else lists.ranking(situation)
    made = [_side("blend", ranked, situation)] if heard else []
    shown = _side("shown", situation.rules.moved(ranked), situation)
    shown = replace(shown, lines=lists.of(ranked, situation))
    return [*(_voices(heard, situation) if heard else ()), *made, shown]


def _voices(heard: scoring.Speaking, situation: Situation) -> Iterator[Side]:
    voices = heard.shop.blend_.voices()
    for number in sorted(voices, key=lambda number: -heard.weights[number]):
        weight, voice = float(heard.weights[number]), voices[number]
        if weight > 0:
            side = _side(voice.name, heard.alone(number), situation)
            yield replace(side, settings=voice.state().settings, weight=weight)


def _side(name: str, ranked: Ranking, situation: Situation) -> Side:
    """The best of a ranking by score alone, and what would stand among them but is left out."""
    asked = situation.asked
    reach = lists.eligible(ranked, situation.hidden, situation.shelf, n=asked.places + RIVALS)
    best, following = reach[: asked.places], [pk for pk, _ in reach[asked.places :]]
    drawn = [Drawn(pk, score) for pk, score in best]
    listed = lines.of(ranked, drawn, Telling(following=following))
    left_out = _left_out(ranked, {pk for pk, _ in best}, situation)
    return Side(name=name, settings={}, weight=None, lines=listed, left_out=left_out)


def _left_out(ranked: Ranking, shown: set[int], situation: Situation) -> list[LeftOut]:
    """What would stand in the list by its score, with what forbids it. One query."""
    best = dict(ranked.best(situation.asked.places))
    products = Product.objects.in_bulk([pk for pk in best if pk not in shown])
    found = []
    for rank, (pk, score) in enumerate(best.items(), start=1):
        if pk in products:
            why = causes(products[pk], ranked, situation)
            found.append(LeftOut(products[pk], rank, score, why))
    return found
