"""What sells, read from the database: the list of the day on which nothing is trained."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.models import Order, OrderLine, Product
from crm.prepared import Prepared
from recommendations.explaining import facts
from recommendations.ranking import Ranking
from recommendations.reasons import Reason

LINES_READ = 5_000  # the newest; bounds the work on any size of shop
PRODUCTS_READ = 2_000
FRESH_FOR = timedelta(seconds=30)  # a cancelled order may count this long; a new one counts at once
NEWEST = Prepared(
    lambda: Product.objects.filter(is_active=True).order_by("-id").values_list("pk")[:PRODUCTS_READ]
)
LAST_LINE = Prepared(lambda: OrderLine.objects.order_by("-id").values_list("pk")[:1])


@dataclass(frozen=True)
class Popular:
    """How many of the latest buyers chose a product; what nobody chose comes by newness."""

    buyers: Mapping[int, int]
    everybody: int  # buyers of anything
    newest: tuple[int, ...]

    @property
    def ids(self) -> list[int]:
        """By buyers, then the newest."""
        sold = sorted(self.buyers, key=lambda pk: (-self.buyers[pk], pk))
        return [*sold, *(pk for pk in self.newest if pk not in self.buyers)]

    def ranking(self) -> "BySales":
        import numpy as np

        ids = self.ids
        scores = np.array([float(self.buyers.get(pk, 0)) for pk in ids])
        return BySales("popularity", np.array(ids, dtype=np.int64), scores, self.buyers)


@dataclass(frozen=True)
class BySales(Ranking):
    """Products by how many bought them lately."""

    buyers: Mapping[int, int]

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        return {one.pk: self._reasons(one) for one in products}

    def _reasons(self, product: Product) -> tuple[Reason, ...]:
        buyers = self.buyers.get(product.pk, 0)
        plain = facts(product, buyers=buyers)
        return (Reason("popular", {"buyers": buyers}), *plain) if buyers else tuple(plain)


Counted = tuple[Mapping[int, int], int]  # buyers of each product, and of anything
_kept: dict[str, tuple[datetime, tuple[int] | None, Counted]] = {}


def popular(*, now: datetime) -> Popular:
    """Distinct buyers among the newest order lines, and the newest products. Two queries.

    Buyers are counted anew (a third query) when there are new lines. Only the order of a list
    comes from here: prices and stock are read at every request.
    """
    return Popular(*_buyers(now), tuple(pk for (pk,) in NEWEST.rows()))


def forget() -> None:
    """Count anew at the next request (between tests, whose ids begin again)."""
    _kept.clear()


def _buyers(now: datetime) -> Counted:
    last = LAST_LINE.first()
    kept = _kept.get("buyers")
    if kept and kept[1] == last and timedelta() <= now - kept[0] < FRESH_FOR:
        return kept[2]
    counted = _count(now)
    _kept["buyers"] = (now, last, counted)
    return counted


def _count(now: datetime) -> Counted:
    lines = (
        OrderLine.objects.filter(order__in=Order.objects.sales(), order__placed_at__lte=now)
        .order_by("-order__placed_at", "-id")
        .values_list("product_id", "order__customer_id")[:LINES_READ]
    )
    pairs = set(lines)
    return Counter(product for product, _ in pairs), len({customer for _, customer in pairs})
