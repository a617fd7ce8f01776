"""Score the whole catalogue for one customer at the request, with the champion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from crm import artifacts
from crm.models import Artifact, Product
from recommendations.explaining import Known, facts, personal
from recommendations.interactions import DAY, Touch
from recommendations.ranking import Ranking, Scored
from recommendations.reasons import Reason

if TYPE_CHECKING:
    import numpy as np

    from recommendations.ml.compiled.blend import Said
    from recommendations.ml.interactions import Interactions
    from recommendations.ml.shop import ShopRecommender

RIVALS = 20  # products next in line that a reason is measured against


@dataclass(frozen=True)
class Speaking:
    """An artifact at one customer: what they did, in its columns, and what its voices say to it."""

    shop: "ShopRecommender"
    artifact: str  # name#id
    row: "Interactions"
    touches: Sequence[Touch]

    @cached_property
    def said(self) -> "Said":
        return self.shop.compiled.listen(self.row)

    @cached_property
    def weights(self) -> "np.ndarray":
        """(voices,) how loud each is for this customer; they add up to 1."""
        weights: np.ndarray = self.shop.blend_.weights_of(self.row)[0]
        return weights

    def blended(self) -> "Personal":
        return self._heard(self.weights)

    def alone(self, number: int) -> "Personal":
        """The catalogue as one voice of the blend has it."""
        import numpy as np

        only = np.zeros_like(self.weights)
        only[number] = 1.0
        return self._heard(only)

    def _heard(self, weights: "np.ndarray") -> "Personal":
        scores = self.shop.compiled.score(self.said, weights)
        return Personal(self.artifact, self.shop.products_, scores, self, weights)


@dataclass(frozen=True)
class Personal(Ranking):
    """What an artifact says for one customer now: a score for every product it knows."""

    speaking: Speaking
    weights: "np.ndarray"  # (voices,) of which the scores are made

    @property
    def shop(self) -> "ShopRecommender":
        return self.speaking.shop

    @property
    def position(self) -> Mapping[int, int]:
        return self.shop.column_of

    def looked_at(self) -> set[int]:
        return {touch.product_id for touch in self.speaking.touches if touch.weight > 0}

    def spread_out(self, scored: Sequence[Scored], *, n: int, trade: float) -> list[Scored]:
        import numpy as np

        from recommendations.ml.ranking import diverse

        scores = np.array([score for _, score in scored])
        likeness = self.shop.likeness(self._columns([pk for pk, _ in scored]))
        return [scored[place] for place in diverse(scores, likeness, n=n, trade=trade)]

    @property
    def newest(self) -> int | None:
        return int(self.shop.products_[-1])

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        """The choices without which each would not be in the list, and what else is true."""
        from recommendations.ml.because import because

        known = [one for one in products if one.pk in self.position]
        columns = self._columns([one.pk for one in known])
        rivals = self._columns([pk for pk in following if pk in self.position][:RIVALS])
        found = because(self.speaking.said, self.weights, columns, rivals)
        touched = Known.of(self.speaking.touches)
        voices = {number: voice.name for number, voice in self.shop.blend_.voices().items()}
        cells = self.shop.products_[self.speaking.row.values.indices].tolist()
        return {
            one.pk: personal(
                one, why, touched, voices=voices, cells=cells, buyers=self._buyers(column)
            )
            for one, why, column in zip(known, found, columns, strict=True)
        }

    def _columns(self, product_ids: Sequence[int]) -> "np.ndarray":
        import numpy as np

        return np.array([self.position[pk] for pk in product_ids], dtype=int)

    def _buyers(self, column: int) -> int:
        return int(self.shop.chosen_by_[column])


@dataclass(frozen=True)
class Alike(Ranking):
    """The products most like one product, as the champion sees it."""

    shop: "ShopRecommender"
    product: Product
    both: "np.ndarray"  # (2, products) chosen by the same people; described alike

    @property
    def position(self) -> Mapping[int, int]:
        return self.shop.column_of

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        chosen, written = self.both
        titles = {"en": self.product.title_en, "zh": self.product.title_zh}
        evidence = {"product": titles, "product_id": self.product.pk}
        columns = {one: self.position[one.pk] for one in products}
        return {
            one.pk: (
                Reason("together" if chosen[column] > written[column] else "alike", evidence),
                *facts(one, buyers=int(self.shop.chosen_by_[column])),
            )
            for one, column in columns.items()
        }


def alike(product: Product) -> Alike | None:
    """Products like this one; None where nothing is trained or the product came later."""
    serving = _serving(None)
    if serving is None or product.pk not in serving[0].column_of:
        return None
    shop, label = serving
    both = shop.alike(shop.column_of[product.pk])
    return Alike(label, shop.products_, both.sum(axis=0), shop, product, both)


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
    return None if row is None else Speaking(shop, label, row, touches)


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
