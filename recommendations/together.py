"""What baskets with a product hold, as a ranking with the numbers of each rule for evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from crm.baskets import Pair
from crm.models import Product
from recommendations.ranking import Ranking
from recommendations.reasons import Reason


@dataclass(frozen=True)
class Together(Ranking):
    """Products by the confidence of the rule that leads to them."""

    pairs: Mapping[int, Pair]
    titles: dict[str, str]

    @classmethod
    def of(cls, product: Product, pairs: Sequence[Pair], artifact: str) -> Self:
        import numpy as np

        by_id = {pair.right: pair for pair in pairs}
        ids = np.array(list(by_id), dtype=np.int64)
        scores = np.array([pair.confidence for pair in by_id.values()])
        return cls(artifact, ids, scores, by_id, {"en": product.title_en, "zh": product.title_zh})

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        return {one.pk: (self._reason(self.pairs[one.pk]),) for one in products}

    def _reason(self, pair: Pair) -> Reason:
        """The rule's own numbers as the evidence."""
        evidence = {
            "product": self.titles,
            "product_id": pair.left,
            "share": round(pair.confidence, 4),
            "together": pair.together,
            "baskets": pair.baskets,
            "lift": round(pair.lift, 2),
        }
        return Reason("basket", evidence)
