"""Two rankers in one list: which one's products are clicked (Radlinski, Kurup, Joachims 2008).

Team draft: in every round a coin says who chooses first, then each ranker adds its best product
that is not in the list yet. Both get the same places on average, so clicks on products of the one
or the other compare the rankers within the same person at the same moment: far fewer are needed
than for showing the one to half of the people and the other to the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FIRST, SECOND = 0, 1


@dataclass(frozen=True)
class Drafted:
    """A product in the list, and the ranker that chose it."""

    product: int
    team: int  # FIRST or SECOND


def team_draft(
    first: Sequence[int], second: Sequence[int], *, n: int, rng: np.random.Generator
) -> list[Drafted]:
    """Up to n products, no product twice; a ranker that has none left passes."""
    left = [list(dict.fromkeys(first)), list(dict.fromkeys(second))]
    drafted: list[Drafted] = []
    taken: set[int] = set()
    while len(drafted) < n and any(left):
        starts = int(rng.integers(2))
        for team in (starts, 1 - starts):
            product = _next(left[team], taken)
            if product is not None and len(drafted) < n:
                taken.add(product)
                drafted.append(Drafted(product, team))
    return drafted


def chances(first: Sequence[int], second: Sequence[int], *, n: int) -> list[dict[int, float]]:
    """For each place of a draft, the chance of every product that may come to it; exact.

    Two rounds of coins may lead to the same products: what is taken after a round is the best of
    the one and the best of the other, so there are few cases to follow, not two for each round.
    """
    ranked = [list(dict.fromkeys(first)), list(dict.fromkeys(second))]
    places: list[dict[int, float]] = [{} for _ in range(min(max(n, 0), len({*first, *second})))]
    cases: dict[frozenset[int], float] = {frozenset(): 1.0}
    while cases:
        after: dict[frozenset[int], float] = {}
        for taken, chance in cases.items():
            for team in (FIRST, SECOND):
                now = taken
                for chooser in (team, 1 - team):
                    product = next((one for one in ranked[chooser] if one not in now), None)
                    if product is not None and len(now) < len(places):
                        place = places[len(now)]
                        place[product] = place.get(product, 0.0) + chance / 2
                        now = now | {product}
                if len(now) < len(places):
                    after[now] = after.get(now, 0.0) + chance / 2
        cases = after
    return places


def preferred(clicks_of_first: int, clicks_of_second: int) -> int | None:
    """The team with more clicks in what one person saw; None where neither has."""
    if clicks_of_first == clicks_of_second:
        return None
    return FIRST if clicks_of_first > clicks_of_second else SECOND


def _next(left: list[int], taken: set[int]) -> int | None:
    """Take its best product that nobody chose; drops from `left` what is gone."""
    while left:
        product = left.pop(0)
        if product not in taken:
            return product
    return None
