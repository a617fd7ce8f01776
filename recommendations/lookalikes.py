"""Products in the order in which they look like one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from crm.models import Product
from recommendations import looks
from recommendations.ranking import Ranking
from recommendations.reasons import Reason


@dataclass(frozen=True)
class LooksLike(Ranking):
    """Products by how much they look like one of them."""

    titles: dict[str, str]
    product_id: int

    @classmethod
    def of(cls, product: Product) -> Self | None:
        """None where nothing looks like it, or nobody knows what it looks like."""
        import numpy as np

        alike = looks.gallery().alike(product.pk)
        if not alike:
            return None
        ids, shares = zip(*alike, strict=True)
        titles = {"en": product.title_en, "zh": product.title_zh}
        return cls(looks.VERSION, np.array(ids), np.array(shares), titles, product.pk)

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        return {one.pk: (self._reason(one.pk),) for one in products}

    def _reason(self, product_id: int) -> Reason:
        share = round(self.scores[self.position[product_id]].item(), 3)
        evidence = {"product": self.titles, "product_id": self.product_id, "likeness": share}
        return Reason("looks", evidence)
