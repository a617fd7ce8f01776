"""Which of the choices that hold a product up are named in its reason, so that it says something.

Up to three are named where they are all, or carry more than half of what earlier choices add to
the product's score; else what most of them share; else none, and a plainer reason is given.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recommendations.reasons import Reason

if TYPE_CHECKING:
    from recommendations.explaining import Known

MOST = 3  # titles that can be read in one sentence
HALF = 0.5
EXAMPLES = 2  # titles beside what they share


def reason(product_id: int, shares: Mapping[int, float], known: "Known") -> Reason | None:
    """None where the choices are too many, and share too little, to be named.

    shares: by product, what that choice adds in parts of what all choices add; the weightiest
    first. All of them are in the evidence, named or not.
    """
    choices = list(shares)
    evidence = {"products": choices}
    if choices[0] == product_id:
        return Reason("looked", {**evidence, "deed": known.deed(product_id)})
    others = [one for one in choices if one != product_id]
    if len(others) <= MOST:
        return _each(others, known, evidence)
    heaviest = sorted(others, key=lambda one: -shares[one])[:MOST]
    if sum(shares[one] for one in heaviest) > HALF:
        return _each(heaviest, known, evidence)
    return _theme(others, shares, known, evidence)


def _each(choices: Sequence[int], known: "Known", evidence: Mapping[str, Any]) -> Reason:
    deeds = [known.deed(one) for one in choices]
    named = [
        {"product": known.titles(one), "product_id": one, "deed": deed}
        for one, deed in zip(choices, deeds, strict=True)
    ]
    first = {"product": known.titles(choices[0]), "product_id": choices[0]}
    code = deeds[0] if len(set(deeds)) == 1 else "interest"
    return Reason(code, {**evidence, **first, **({"named": named} if len(named) > 1 else {})})


def _theme(
    choices: Sequence[int],
    shares: Mapping[int, float],
    known: "Known",
    evidence: Mapping[str, Any],
) -> Reason | None:
    """The category, or else the brand, of more than half of these choices by weight."""
    enough = HALF * sum(shares[one] for one in choices)
    for kind in ("category", "brand"):
        groups: dict[int, list[int]] = {}
        for one in choices:
            if kind in known.kinds(one):
                groups.setdefault(known.kinds(one)[kind][0], []).append(one)
        for alike in groups.values():
            if len(alike) > EXAMPLES and sum(shares[one] for one in alike) > enough:
                named = [
                    {"product": known.titles(one), "product_id": one} for one in alike[:EXAMPLES]
                ]
                about = {"theme": known.kinds(alike[0])[kind][1], "named": named}
                return Reason("theme", {**evidence, **about, "more": len(alike) - EXAMPLES})
    return None
