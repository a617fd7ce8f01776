"""Does what is bought now still look like what was learned from?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log

from django.db.models import Count

from crm.models import Brand, Category, Order, OrderLine

WINDOW = timedelta(days=28)
FEWEST = 100  # order lines on each side, or a shift is mostly chance
NOTICED, STRONG = 0.1, 0.25  # the usual bounds of the population stability index
MOVED = 5  # groups that are named


@dataclass(frozen=True)
class Moved:
    """The share of order lines that one group of products had then and has now."""

    group: Category | Brand | None
    then: float
    now: float


@dataclass(frozen=True)
class Shift:
    """How far the shares moved; `index` is None where there is too little to tell."""

    lines_then: int
    lines_now: int
    index: float | None
    moved: list[Moved]

    @property
    def level(self) -> str:
        if self.index is None:
            return "unknown"
        return (
            "strong" if self.index >= STRONG else "noticed" if self.index >= NOTICED else "little"
        )


@dataclass(frozen=True)
class Drift:
    categories: Shift
    brands: Shift
    products: Shift  # its groups are not named


def since(trained: datetime, *, now: datetime) -> Drift:
    """The four weeks before the training beside what came after it. Four queries."""
    then = _lines(trained - WINDOW, trained)
    after = _lines(trained, now)
    return Drift(
        categories=_shift(_by(then, 1), _by(after, 1), Category.objects.in_bulk()),
        brands=_shift(_by(then, 2), _by(after, 2), Brand.objects.in_bulk()),
        products=_shift(_by(then, 0), _by(after, 0), {}),
    )


def index(then: Mapping[int | None, int], now: Mapping[int | None, int]) -> float:
    """The population stability index: the sum of (q - p) ln (q / p) over the groups.

    Half a row is added to every group, so that one that is new or gone is not infinitely far; what
    chance alone brings about on average, one a group on each side, is taken off.
    """
    groups = {*then, *now}
    before, after = sum(then.values()) + len(groups) / 2, sum(now.values()) + len(groups) / 2
    total = 0.0
    for group in groups:
        p, q = (then.get(group, 0) + 0.5) / before, (now.get(group, 0) + 0.5) / after
        total += (q - p) * log(q / p)
    return max(0.0, total - (len(groups) - 1) * (1 / before + 1 / after))


def _lines(start: datetime, end: datetime) -> list[tuple[int, int | None, int | None, int]]:
    """(product, category, brand, lines) of the sales of a time. One query."""
    sales = Order.objects.sales().filter(placed_at__gt=start, placed_at__lte=end)
    rows = OrderLine.objects.filter(order__in=sales).values_list(
        "product_id", "product__category_id", "product__brand_id"
    )
    return list(rows.annotate(lines=Count("pk")).order_by())


def _by(rows: list[tuple[int, int | None, int | None, int]], column: int) -> Counter[int | None]:
    counts: Counter[int | None] = Counter()
    for row in rows:
        counts[row[column]] += row[3]
    return counts


def _shift(
    then: Counter[int | None],
    now: Counter[int | None],
    named: Mapping[int, Category] | Mapping[int, Brand],
) -> Shift:
    before, after = then.total(), now.total()
    if min(before, after) < FEWEST:
        return Shift(before, after, None, [])
    shares = [
        Moved(named.get(group) if group else None, then[group] / before, now[group] / after)
        for group in {*then, *now}
        if group in named
    ]
    shares.sort(key=lambda one: -abs(one.now - one.then))
    return Shift(before, after, index(then, now), shares[:MOVED])
