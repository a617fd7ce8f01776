"""Score the whole catalogue for one customer at the request, with the champion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from crm import artifacts
from crm.models import Product
from recommendations.interactions import DAY, Touch
from recommendations.reasons import Reason

if TYPE_CHECKING:
    import numpy as np

    from recommendations.ml.interactions import Interactions
    from recommendations.ml.shop import Because, ShopRecommender

STRONGEST_FIRST = ("bought", "added", "rated", "clicked", "viewed")
TASTES = Reason("tastes")


@dataclass(frozen=True)
class Personal:
    """What the champion says for one customer now: a score for every product it knows."""

    shop: "ShopRecommender"
    artifact: str
    row: "Interactions"
    touches: Sequence[Touch]
    said: "dict[int, np.ndarray]"  # by every voice of the blend, (1, products)
    scores: "np.ndarray"  # (products,)

    def ranked(self) -> list[tuple[int, float]]:
        """Product ids with scores, best first."""
        import numpy as np

        order = np.argsort(-self.scores, kind="stable")
        ids, scores = self.shop.products_[order], self.scores[order]
        return list(zip(ids.tolist(), scores.tolist(), strict=True))

    def spread_out(self, product_ids: Sequence[int], *, n: int, trade: float) -> list[int]:
        """Positions of n of these products, by score but not all alike."""
        import numpy as np

        from recommendations.ml.ranking import diverse

        columns = np.array([self.shop.column_of[pk] for pk in product_ids], dtype=int)
        likeness = self.shop.likeness(columns)
        return [int(one) for one in diverse(self.scores[columns], likeness, n=n, trade=trade)]

    def reasons(self, product_ids: Sequence[int]) -> dict[int, Reason]:
        """Why each of these has its score: the loudest voice and what it speaks from. One query."""
        import numpy as np

        known = [pk for pk in product_ids if pk in self.shop.column_of]
        columns = np.array([self.shop.column_of[pk] for pk in known], dtype=int)
        because = self.shop.because(self.row, columns, self.said)
        earlier = {pk: one for pk, one in zip(known, because, strict=True)}
        ids = {int(self.shop.products_[b.product]) for b in because if b.product is not None}
        titles = titles_of(ids)
        return {pk: self._reason(pk, one, titles) for pk, one in earlier.items()}

    def _reason(self, pk: int, because: "Because", titles: dict[int, dict[str, str]]) -> Reason:
        if because.voice is None:
            return Reason("different")
        if because.voice == "popularity":
            return Reason("popular")
        product = None if because.product is None else int(self.shop.products_[because.product])
        if product is None or product not in titles:
            return TASTES
        evidence = {"product": titles[product], "product_id": product, "voice": because.voice}
        code = "looked" if product == pk else self._code(because.voice, product)
        return Reason(code, evidence)

    def _code(self, voice: str, product: int) -> str:
        kinds = {touch.kind for touch in self.touches if touch.product_id == product}
        if voice == "content":
            return "alike"
        if voice == "sequential" and "bought" in kinds:
            return "next"
        # The strongest thing they did with it is what they remember.
        return next(kind for kind in STRONGEST_FIRST if kind in kinds)


@dataclass(frozen=True)
class Alike:
    """The products most like one product, as the champion sees it."""

    shop: "ShopRecommender"
    artifact: str
    product: Product

    def ranked(self) -> list[tuple[int, float]]:
        import numpy as np

        scores = self.shop.alike(self.shop.column_of[self.product.pk]).sum(axis=0)
        order = np.argsort(-scores, kind="stable")
        ids = self.shop.products_[order]
        return list(zip(ids.tolist(), scores[order].tolist(), strict=True))

    def reasons(self, product_ids: Sequence[int]) -> dict[int, Reason]:
        chosen, written = self.shop.alike(self.shop.column_of[self.product.pk])
        titles = {"en": self.product.title_en, "zh": self.product.title_zh}
        evidence = {"product": titles, "product_id": self.product.pk}
        columns = {pk: self.shop.column_of[pk] for pk in product_ids}
        return {
            pk: Reason("together" if chosen[column] > written[column] else "alike", evidence)
            for pk, column in columns.items()
        }


def alike(product: Product) -> Alike | None:
    """Products like this one; None where nothing is trained or the product came later."""
    from recommendations.ml.shop import ShopRecommender

    serving = artifacts.load_serving_with_version(ShopRecommender)
    if serving is None or product.pk not in serving[0].column_of:
        return None
    return Alike(serving[0], f"{serving[1].name}#{serving[1].pk}", product)


def personal(touches: Sequence[Touch], *, now: datetime) -> Personal | None:
    """Score for these touches; None where nothing is trained or nothing is known of them."""
    from recommendations.ml.shop import ShopRecommender

    if not any(touch.weight > 0 for touch in touches):
        return None
    serving = artifacts.load_serving_with_version(ShopRecommender)
    if serving is None:
        return None
    shop, artifact = serving
    row = _row(shop, touches, now)
    if row is None:
        return None
    label = f"{artifact.name}#{artifact.pk}"
    said = shop.blend_.said(row)
    return Personal(shop, label, row, touches, said, shop.blend_.blended(row, said)[0])


def titles_of(product_ids: set[int]) -> dict[int, dict[str, str]]:
    rows = Product.objects.filter(pk__in=product_ids).values_list("pk", "title_en", "title_zh")
    return {pk: {"en": english, "zh": chinese} for pk, english, chinese in rows}


def _row(shop: "ShopRecommender", touches: Sequence[Touch], now: datetime) -> "Interactions | None":
    import numpy as np

    used = [
        (shop.column_of[touch.product_id], touch.weight, touch.at.timestamp() / DAY)
        for touch in touches
        if touch.weight > 0 and touch.product_id in shop.column_of
    ]
    if not used:
        return None
    columns, weights, days = zip(*used, strict=True)
    return shop.row(
        np.array(columns), np.array(weights), np.array(days), today=now.timestamp() / DAY
    )
