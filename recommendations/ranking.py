"""The catalogue in the order of one voice, one blend, or what sells: what lists are made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from crm.models import Product
from recommendations.reasons import Reason

if TYPE_CHECKING:
    import numpy as np

Scored = tuple[int, float]


@dataclass(frozen=True)
class Ranking:
    """Scores of products by id. Where scores are equal, whoever stands first in `ids` is first."""

    artifact: str  # name#id of what ranked, or "popularity"
    ids: "np.ndarray"  # (products,) distinct
    scores: "np.ndarray"  # (products,) higher is better

    def best(
        self, n: int, *, hidden: Collection[int] = (), among: Collection[int] | None = None
    ) -> list[Scored]:
        """The n best, best first, without the hidden; only `among` these, where they are given."""
        import numpy as np

        places = self._open(hidden, among)
        n = min(n, len(places))
        if n < 1:
            return []
        scores = self.scores[places]
        # No more is sorted than is returned, and those that are equal to the last of it.
        least = np.partition(scores, len(scores) - n)[len(scores) - n]
        above = np.flatnonzero(scores >= least)
        chosen = places[above[np.argsort(-scores[above], kind="stable")[:n]]]
        return list(zip(self.ids[chosen].tolist(), self.scores[chosen].tolist(), strict=True))

    def rank(self, product_id: int) -> int | None:
        """The place of a product among all, 1 is the best; None where it has no score."""
        place = self.position.get(product_id)
        if place is None:
            return None
        own = self.scores[place]
        before = (self.scores[:place] >= own).sum() + (self.scores[place + 1 :] > own).sum()
        return int(before) + 1

    def score(self, product_id: int) -> float | None:
        place = self.position.get(product_id)
        return None if place is None else float(self.scores[place])

    def looked_at(self) -> set[int]:
        """Products of which a list should not hold too many: the customer knows them already."""
        return set()

    def spread_out(self, scored: Sequence[Scored], *, n: int, trade: float) -> list[Scored]:
        """n of these, not all alike, where it is known what is alike."""
        return list(scored[:n])

    @property
    def newest(self) -> int | None:
        """The highest id that was known when scores were learned; None where all are scored."""
        return None

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        """Why each of these stands where it stands: the reason, then what supports it.

        following: ids of what is next in line for the list, best first.
        """
        return {}

    @cached_property
    def position(self) -> Mapping[int, int]:
        return {product: place for place, product in enumerate(self.ids.tolist())}

    def _open(self, hidden: Collection[int], among: Collection[int] | None) -> "np.ndarray":
        """(open,) places that may be shown, ascending."""
        import numpy as np

        is_open = np.ones(len(self.ids), dtype=bool)
        if among is not None:
            is_open[:] = False
            is_open[self._places(among)] = True
        is_open[self._places(hidden)] = False
        return np.flatnonzero(is_open)

    def _places(self, product_ids: Collection[int]) -> list[int]:
        return [self.position[pk] for pk in product_ids if pk in self.position]
