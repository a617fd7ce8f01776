"""Who is hardly known is shown what sells: to everybody, to people like them, in what they look at.

A product's share of the latest buyers, taken from the customer's most telling segment as far as
that has buyers (shrunk to the share of all), and more of what stands in the categories that they
looked at. No artifact is needed, and no history.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crm.models import Customer, Membership, Order, OrderLine, Product
from crm.prepared import Prepared
from recommendations.explaining import facts
from recommendations.interactions import Touch
from recommendations.popular import Popular, popular
from recommendations.ranking import Ranking
from recommendations.reasons import Reason

if TYPE_CHECKING:
    import numpy as np

LINES_READ = 5_000  # the newest of a segment
FEWEST = 10  # buyers, below whom a segment says nothing
BELIEF = 25.0  # buyers of a segment who weigh as much as all customers
LOOKED = 3.0  # how much more a product counts in a category that all looks were in
KEPT_FOR = timedelta(minutes=10)
SEGMENTS_OF = Prepared(
    lambda customer: (
        Membership.objects.filter(customer=customer, segment__size__gt=0)
        .order_by("segment__size", "segment_id")
        .values_list("segment_id", "segment__slug")[:3]
    ),
    customer=int,
)


@dataclass(frozen=True)
class Among:
    """Who bought what in one segment."""

    slug: str
    buyers: int
    bought: Mapping[int, int]  # buyers by product


@dataclass(frozen=True)
class Cold(Ranking):
    """Products by what sells, to people like this customer, in what they look at."""

    sales: Popular
    among: Among | None
    looked: Mapping[int, float]  # share of the looks by category

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        return {product.pk: tuple(self._why(product)) for product in products}

    def _why(self, product: Product) -> list[Reason]:
        buyers = self.sales.buyers.get(product.pk, 0)
        found = []
        if product.category is not None and product.category_id in self.looked:
            names = {"en": product.category.name_en, "zh": product.category.name_zh}
            found.append(Reason("looking", {"category": names}))
        if self._is_for_the_like(product.pk, buyers):
            found.append(Reason("people_like_you", {"segment": self.among and self.among.slug}))
        if buyers:
            found.append(Reason("popular", {"buyers": buyers}))
        return [*found, *facts(product, buyers=buyers)]

    def _is_for_the_like(self, product: int, buyers: int) -> bool:
        """Whether people of the segment buy it more than others do."""
        if self.among is None or not self.among.bought.get(product):
            return False
        everybody = max(self.sales.everybody, 1)
        return self.among.bought[product] / self.among.buyers > buyers / everybody


_kept: dict[int, tuple[datetime, Among]] = {}


def cold(customer: Customer, touches: Sequence[Touch], *, now: datetime) -> Ranking:
    """The catalogue for somebody of whom little is known. Two queries; five for who is known."""
    import numpy as np

    sales = popular(now=now)
    among = _among(customer, now) if customer.pk is not None else None
    looked = _looked(touches)
    if among is None and not looked:
        return sales.ranking()
    ids = sales.ids
    scores = np.array([_share(pk, sales, among) for pk in ids])
    if looked:
        scores *= 1.0 + LOOKED * _weights(ids, looked)
    order = np.argsort(-scores, kind="stable")
    wanted = np.array(ids, dtype=np.int64)[order]
    return Cold("popularity", wanted, scores[order], sales, among, looked)


def forget() -> None:
    """Count anew at the next request (between tests, whose ids begin again)."""
    _kept.clear()


def _share(product: int, sales: Popular, among: Among | None) -> float:
    """Of the buyers, those who chose it; a little for what nobody chose, that it has an order."""
    share = (sales.buyers.get(product, 0) + 0.01) / max(sales.everybody, 1)
    if among is None:
        return share
    own = among.bought.get(product, 0)
    return (own + BELIEF * share) / (among.buyers + BELIEF)


def _among(customer: Customer, now: datetime) -> Among | None:
    """The smallest of the customer's segments that has buyers enough: it says most of them."""
    mine = SEGMENTS_OF.rows(customer=customer.pk)
    found = (_buyers(segment, slug, now) for segment, slug in mine)
    return next((among for among in found if among.buyers >= FEWEST), None)


def _buyers(segment: int, slug: str, now: datetime) -> Among:
    kept = _kept.get(segment)
    if kept and timedelta() <= now - kept[0] < KEPT_FOR:
        return kept[1]
    members = Membership.objects.filter(segment=segment).values("customer")
    lines = (
        OrderLine.objects.filter(
            order__in=Order.objects.sales(),
            order__customer__in=members,
            order__placed_at__lte=now,
        )
        .order_by("-order__placed_at", "-id")
        .values_list("product_id", "order__customer_id")[:LINES_READ]
    )
    pairs = set(lines)
    bought = Counter(product for product, _ in pairs)
    among = Among(slug, len({customer for _, customer in pairs}), bought)
    _kept[segment] = (now, among)
    return among


def _looked(touches: Sequence[Touch]) -> dict[int, float]:
    """The share of each category in what they looked at. One query, or none."""
    weights: dict[int, float] = {}
    for touch in touches:
        if touch.weight > 0:
            weights[touch.product_id] = weights.get(touch.product_id, 0.0) + touch.weight
    if not weights:
        return {}
    rows = Product.objects.filter(pk__in=weights, category__isnull=False)
    shares: dict[int, float] = {}
    for pk, category in rows.values_list("pk", "category_id"):
        shares[category] = shares.get(category, 0.0) + weights[pk]
    total = sum(shares.values())
    return {category: weight / total for category, weight in shares.items()}


def _weights(ids: Sequence[int], looked: Mapping[int, float]) -> "np.ndarray":
    import numpy as np

    rows = Product.objects.filter(category__in=looked).values_list("pk", "category_id")
    share = {pk: looked[category] for pk, category in rows}
    return np.array([share.get(pk, 0.0) for pk in ids])
