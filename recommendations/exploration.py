"""Show a few products that were not quite good enough, with the exact chance of each place.

Without it nothing is ever learned of what the champion does not like. Places in the lower half
may be explored, each by itself with the same small chance; each draws from a part of the next
candidates of its own, so that the draws are independent and every chance is a plain product.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from random import Random

from recommendations.ranking import Scored

CHANCE = 0.1  # that a place of the lower half is explored
PER_PLACE = 3  # candidates that may come to one place
FIRST = 3  # the earliest place that is ever explored


@dataclass(frozen=True)
class Drawn:
    """A product at its place, and the chance that it came there in this request."""

    product_id: int
    score: float
    propensity: float = 1.0
    is_explored: bool = False


def explored(
    listed: Sequence[Drawn],
    candidates: Sequence[Scored],
    *,
    rng: Random,
    fixed: Container[int] = (),
) -> list[Drawn]:
    """The list with some places of its lower half given to other candidates.

    candidates: best first, with or without those that are listed. fixed: ids of products that
    keep their places.
    """
    taken = {one.product_id for one in listed}
    following = [one for one in candidates if one[0] not in taken]
    earliest = max(FIRST, len(listed) // 2 + 1) - 1
    places = [
        place for place in range(earliest, len(listed)) if listed[place].product_id not in fixed
    ]
    drawn = list(listed)
    for number, place in enumerate(places):
        own = following[number :: len(places)][:PER_PLACE]
        if own:
            drawn[place] = _drawn(listed[place], own, rng)
    return drawn


def _drawn(present: Drawn, own: Sequence[Scored], rng: Random) -> Drawn:
    if rng.random() >= CHANCE:
        return replace(present, propensity=1.0 - CHANCE)
    product, score = own[rng.randrange(len(own))]
    return Drawn(product, score, CHANCE / len(own), is_explored=True)
