"""Score the whole catalogue for one customer at the request, with the champion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from crm import artifacts
from crm.models import Artifact, Product
from recommendations.interactions import DAY, Touch
from recommendations.ranking import Ranking, Scored
from recommendations.reasons import Reason

if TYPE_CHECKING:
    import numpy as np

    from recommendations.ml.interactions import Interactions
    from recommendations.ml.shop import Because, ShopRecommender

STRONGEST_FIRST = ("bought", "added", "rated", "clicked", "viewed")
TASTES = Reason("tastes")


@dataclass(frozen=True)
class Speaking:
    """An artifact at one customer: what they did, in its columns, and what its voices say to it."""

    shop: "ShopRecommender"
    artifact: str  # name#id
    row: "Interactions"
    touches: Sequence[Touch]
    said: "Mapping[int, np.ndarray]"  # by the number of a voice, (1, products) standardised

    @cached_property
    def weights(self) -> "np.ndarray":
        """(voices,) how loud each is for this customer; they add up to 1."""
        weights: np.ndarray = self.shop.blend_.weights_of(self.row)[0]
        return weights

    def blended(self) -> "Personal":
        scores = self.shop.blend_.blended(self.row, dict(self.said))[0]
        return Personal(self.artifact, self.shop.products_, scores, self)

    def alone(self, number: int) -> "Personal":
        """The catalogue as one voice of the blend has it."""
        only = {number: self.said[number]}
        return Personal(self.artifact, self.shop.products_, only[number][0], self, only)


@dataclass(frozen=True)
class Personal(Ranking):
    """What an artifact says for one customer now: a score for every product it knows."""

    speaking: Speaking
    alone: "Mapping[int, np.ndarray] | None" = None  # the one voice that is heard

    @property
    def shop(self) -> "ShopRecommender":
        return self.speaking.shop

    @property
    def position(self) -> Mapping[int, int]:
        return self.shop.column_of

    def looked_at(self) -> set[int]:
        return {touch.product_id for touch in self.speaking.touches}

    def spread_out(self, scored: Sequence[Scored], *, n: int, trade: float) -> list[Scored]:
        import numpy as np

        from recommendations.ml.ranking import diverse

        columns = np.array([self.shop.column_of[pk] for pk, _ in scored], dtype=int)
        scores = np.array([score for _, score in scored])
        chosen = diverse(scores, self.shop.likeness(columns), n=n, trade=trade)
        return [scored[place] for place in chosen]

    def younger(self, n: int) -> list[Scored]:
        """Products that came after the training; they have higher ids than all that it knew."""
        newest = int(self.shop.products_[-1])
        ids = Product.objects.filter(pk__gt=newest).order_by("-pk").values_list("pk", flat=True)
        return [(pk, 0.0) for pk in ids[:n]]

    def reasons(self, product_ids: Sequence[int]) -> dict[int, tuple[Reason, ...]]:
        """The loudest voice of each product and what it speaks from. One query."""
        import numpy as np

        known = [pk for pk in product_ids if pk in self.shop.column_of]
        columns = np.array([self.shop.column_of[pk] for pk in known], dtype=int)
        said = dict(self.alone or self.speaking.said)
        because = self.shop.because(self.speaking.row, columns, said, self._loudness())
        ids = {int(self.shop.products_[b.product]) for b in because if b.product is not None}
        titles = titles_of(ids)
        return {
            pk: (self._reason(pk, one, titles),) for pk, one in zip(known, because, strict=True)
        }

    def _loudness(self) -> "np.ndarray":
        import numpy as np

        if self.alone is None:
            return self.speaking.weights
        weights = np.zeros_like(self.speaking.weights)
        weights[list(self.alone)] = 1.0
        return weights

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
        kinds = {t.kind for t in self.speaking.touches if t.product_id == product}
        if voice == "content":
            return "alike"
        if voice == "sequential" and "bought" in kinds:
            return "next"
        # The strongest thing they did with it is what they remember.
        return next(kind for kind in STRONGEST_FIRST if kind in kinds)


@dataclass(frozen=True)
class Alike(Ranking):
    """The products most like one product, as the champion sees it."""

    shop: "ShopRecommender"
    product: Product

    @property
    def position(self) -> Mapping[int, int]:
        return self.shop.column_of

    def reasons(self, product_ids: Sequence[int]) -> dict[int, tuple[Reason, ...]]:
        chosen, written = self.shop.alike(self.shop.column_of[self.product.pk])
        titles = {"en": self.product.title_en, "zh": self.product.title_zh}
        evidence = {"product": titles, "product_id": self.product.pk}
        columns = {pk: self.shop.column_of[pk] for pk in product_ids}
        return {
            pk: (Reason("together" if chosen[column] > written[column] else "alike", evidence),)
            for pk, column in columns.items()
        }


def alike(product: Product) -> Alike | None:
    """Products like this one; None where nothing is trained or the product came later."""
    serving = _serving(None)
    if serving is None or product.pk not in serving[0].column_of:
        return None
    shop, label = serving
    scores = shop.alike(shop.column_of[product.pk]).sum(axis=0)
    return Alike(label, shop.products_, scores, shop, product)


def speaking(
    touches: Sequence[Touch], *, now: datetime, artifact: Artifact | None = None
) -> Speaking | None:
    """What the champion (or this artifact) says to these touches.

    None where nothing is trained or readable, or nothing is known of the products they touch.
    """
    if not any(touch.weight > 0 for touch in touches):
        return None
    serving = _serving(artifact)
    if serving is None:
        return None
    shop, label = serving
    row = _row(shop, touches, now)
    return None if row is None else Speaking(shop, label, row, touches, shop.blend_.said(row))


def titles_of(product_ids: set[int]) -> dict[int, dict[str, str]]:
    rows = Product.objects.filter(pk__in=product_ids).values_list("pk", "title_en", "title_zh")
    return {pk: {"en": english, "zh": chinese} for pk, english, chinese in rows}


def _serving(artifact: Artifact | None) -> "tuple[ShopRecommender, str] | None":
    from recommendations.ml.shop import ShopRecommender

    if artifact is None:
        found = artifacts.load_serving_with_version(ShopRecommender)
        return (found[0], _label(found[1])) if found else None
    try:
        return artifacts.load(ShopRecommender, artifact), _label(artifact)
    except artifacts.UnreadableArtifact:
        return None


def _label(artifact: Artifact) -> str:
    return f"{artifact.name}#{artifact.pk}"


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
