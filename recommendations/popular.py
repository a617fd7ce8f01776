"""What sells, read from the database: the list of the day on which nothing is trained."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from crm.models import Order, OrderLine, Product

LINES_READ = 5_000  # the newest; bounds the work on any size of shop
PRODUCTS_READ = 2_000


@dataclass(frozen=True)
class Popular:
    """How many of the latest buyers chose a product; what nobody chose comes by newness."""

    buyers: dict[int, int]
    newest: tuple[int, ...]

    def ranked(self) -> list[tuple[int, float]]:
        """Product ids with scores, best first: by buyers, then the newest."""
        sold = sorted(self.buyers.items(), key=lambda pair: (-pair[1], pair[0]))
        unsold = [pk for pk in self.newest if pk not in self.buyers]
        return [(pk, float(count)) for pk, count in sold] + [(pk, 0.0) for pk in unsold]


def popular(*, now: datetime) -> Popular:
    """Count distinct buyers among the newest order lines. Two queries."""
    lines = (
        OrderLine.objects.filter(order__in=Order.objects.sales(), order__placed_at__lte=now)
        .order_by("-order__placed_at", "-id")
        .values_list("product_id", "order__customer_id")[:LINES_READ]
    )
    pairs = set(lines)
    newest = Product.objects.filter(is_active=True).order_by("-id").values_list("pk", flat=True)
    return Popular(dict(Counter(product for product, _ in pairs)), tuple(newest[:PRODUCTS_READ]))
