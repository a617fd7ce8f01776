"""Association rules by Eclat (Zaki 2000): baskets as bit sets, exact counts.

An item is an integer whose bits are the baskets that hold it; the support of a set of items is
the number of bits that all of them share.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Items = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Who has all of `antecedent` has `consequent`, too: support of both together, and so on."""

    antecedent: Items
    consequent: Items
    support: float
    confidence: float
    lift: float
    conviction: float  # infinite where the rule never fails


def frequent(baskets: Sequence[Sequence[str]], *, min_support: float) -> dict[Items, int]:
    """Every set of items (sorted) in at least this share of the baskets, with its count."""
    least = max(min_support * len(baskets), 1e-12)
    bits: dict[str, int] = {}
    for number, basket in enumerate(baskets):
        for item in set(basket):
            bits[item] = bits.get(item, 0) | (1 << number)
    singles = sorted((item, one) for item, one in bits.items() if one.bit_count() >= least - 1e-9)
    return dict(_grown((), singles, least - 1e-9))


def rules(
    baskets: Sequence[Sequence[str]], *, min_support: float, min_confidence: float
) -> list[Rule]:
    """Rules with one item on the right, best lift first."""
    counts = frequent(baskets, min_support=min_support)
    total = len(baskets)
    found = []
    for items, together in counts.items():
        if len(items) < 2:
            continue
        for item in items:
            rest = tuple(one for one in items if one != item)
            confidence = together / counts[rest]
            if confidence >= min_confidence - 1e-12:
                found.append(_rule(rest, (item,), (together, counts[rest], counts[item,]), total))
    return sorted(found, key=lambda rule: (-rule.lift, rule.antecedent, rule.consequent))


def _grown(
    prefix: Items, candidates: list[tuple[str, int]], least: float
) -> Iterator[tuple[Items, int]]:
    for place, (item, bits) in enumerate(candidates):
        items = (*prefix, item)
        yield items, bits.bit_count()
        further = [(other, bits & more) for other, more in candidates[place + 1 :]]
        yield from _grown(items, [one for one in further if one[1].bit_count() >= least], least)


def _rule(left: Items, right: Items, counts: tuple[int, int, int], total: int) -> Rule:
    both, antecedent, consequent = counts
    confidence, share = both / antecedent, consequent / total
    fails = 1.0 - confidence
    return Rule(
        left,
        right,
        support=both / total,
        confidence=confidence,
        lift=confidence / share,
        conviction=(1.0 - share) / fails if fails > 0 else float("inf"),
    )
