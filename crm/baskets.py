"""What is bought together: baskets for learning, what was learned, segments of who lacks the rest.

A basket is the products of one sale. Rules come from the serving artifact; while nothing is
trained there are none. Only rules that shuffled baskets would not hold are ever spoken of.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from crm import artifacts, segments
from crm.models import Artifact, Order, OrderLine, Product, Segment

if TYPE_CHECKING:
    from crm.ml.baskets import BasketRules

MOST = 200_000  # baskets that are learned from, the newest


@dataclass(frozen=True)
class Pair:
    """Who bought the left product bought the right one too, in `together` of `baskets` baskets.

    confidence: the share of those with the left one; lift: that, over the share of all.
    """

    left: int
    right: int
    together: int
    baskets: int
    confidence: float
    lift: float
    p_value: float

    @property
    def slug(self) -> str:
        """The name of its cross-sell segment."""
        return f"cross-sell-{self.left}-{self.right}"


class UnknownPair(Exception):
    """No serving rule joins these two products."""


def until(moment: datetime) -> list[tuple[int, ...]]:
    """The baskets of the sales before a moment, oldest first. One query."""
    sales = Order.objects.sales().filter(placed_at__lt=moment, customer__merged_into=None)
    newest = sales.order_by("-placed_at", "-pk").values("pk")[:MOST]
    rows = (
        OrderLine.objects.filter(order__in=newest, quantity__gt=0)
        .order_by("order__placed_at", "order_id", "product_id")
        .values_list("order_id", "product_id")
    )
    by_order = groupby(rows.iterator(chunk_size=20_000), key=lambda row: row[0])
    return [tuple(dict.fromkeys(product for _, product in of)) for _, of in by_order]


def together(basket: Collection[int], *, n: int) -> list[Pair]:
    """The surest rules from these products to others, best first. None while nothing serves."""
    serving = _serving()
    return [_pair(serving[0], row) for row in serving[0].suggest(basket, n=n)] if serving else []


def around(products: Collection[int], *, n: int) -> list[Pair]:
    """The surest rules from each of these products by itself. The rules are looked up once."""
    serving = _serving() if products else None
    if serving is None:
        return []
    rules = serving[0]
    return [_pair(rules, row) for one in products for row in rules.suggest([one], n=n)]


def strongest(n: int) -> list[Pair]:
    """The rules that add most over chance, each pair of products once."""
    serving = _serving()
    return [_pair(serving[0], row) for row in serving[0].strongest(n)] if serving else []


def artifact_name() -> str:
    """What the rules were learned by, as name#id; empty while nothing serves."""
    serving = _serving()
    return f"{serving[1].name}#{serving[1].pk}" if serving else ""


def lacking(one: Product, other: Product) -> dict[str, Any]:
    """The segment rule of those who bought the one and not the other."""
    return {"all": [_bought(one, ">=", 1), _bought(other, "=", 0)]}


def make_segment(left: int, right: int, *, now: datetime) -> Segment:
    """The cross-sell segment of a serving rule, filled; the same pair again is the same segment.

    Raises UnknownPair.
    """
    pair = next((found for found in together([left], n=MOST) if found.right == right), None)
    products = Product.objects.in_bulk([left, right])
    if pair is None or len(products) < 2:
        raise UnknownPair(f"no rule from product {left} to product {right}")
    one, other = products[left], products[right]
    segment, _ = Segment.objects.get_or_create(
        slug=pair.slug,
        defaults={
            "kind": Segment.Kind.RULE,
            "rule": lacking(one, other),
            "name_en": f"Bought {one.title_in('en')}, not {other.title_in('en')}"[:100],
            "name_zh": f"买过{one.title_in('zh')}，未买{other.title_in('zh')}"[:100],
            "description_en": f"{pair.confidence:.0%} of baskets with the first hold the second, "
            f"{pair.lift:.1f} times as many as of all baskets.",
            "description_zh": f"含前者的订单中{pair.confidence:.0%}也含后者，"
            f"是全部订单的{pair.lift:.1f}倍。",
        },
    )
    segments.refresh(segment, now=now)
    return segment


def _bought(product: Product, operator: str, count: int) -> dict[str, Any]:
    return {"orders": "count", "product": product.sku, "op": operator, "value": count}


def _serving() -> "tuple[BasketRules, Artifact] | None":
    from crm.ml.baskets import BasketRules

    return artifacts.load_serving_with_version(BasketRules)


def _pair(rules: "BasketRules", row: int) -> Pair:
    total = int(rules.baskets_)
    return Pair(
        left=int(rules.left_[row]),
        right=int(rules.right_[row]),
        together=round(float(rules.support_[row]) * total),
        baskets=total,
        confidence=float(rules.confidence_[row]),
        lift=float(rules.lift_[row]),
        p_value=float(rules.p_value_[row]),
    )
