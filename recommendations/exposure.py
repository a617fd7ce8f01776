"""How unequally the catalogue is shown: the Gini index and the reach of each week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, IntegerField, Value, When

from recommendations.models import Impression

WEEK = timedelta(days=7)
WEEKS = 12  # drawn


@dataclass(frozen=True)
class Week:
    """Seven days that end at `until`."""

    until: datetime
    coverage: float  # of what is for sale now
    gini: float


def gini(counts: Sequence[int], products: int) -> float | None:
    """Inequality of exposure: 0 where all are shown alike, towards 1 where one takes all.

    counts: times shown, of the products that were; products: how many there are.
    """
    if not sum(counts):
        return None
    never = max(products - len(counts), 0)
    total, every = sum(counts), never + len(counts)
    ranked = enumerate(sorted(counts), start=never + 1)
    return sum((2 * place - every - 1) * shown for place, shown in ranked) / (every * total)


def by_week(now: datetime, products: int) -> list[Week]:
    """The weeks in which anything was shown, the oldest first. One query.

    products: how many are for sale now; what no longer is does not count.
    """
    ages = [
        When(shown_at__gt=now - (age + 1) * WEEK, then=Value(age)) for age in range(WEEKS)
    ]  # the first that holds
    rows = (
        Impression.objects.filter(
            shown_at__gt=now - WEEKS * WEEK, shown_at__lte=now, product__is_active=True
        )
        .annotate(age=Case(*ages, output_field=IntegerField()))
        .values("age", "product")
        .annotate(shown=Count("pk"))
        .values_list("age", "shown")
    )
    counts: dict[int, list[int]] = {}
    for age, shown in rows:
        counts.setdefault(age, []).append(shown)
    return [
        Week(now - age * WEEK, len(mine) / products, gini(mine, products) or 0.0)
        for age, mine in sorted(counts.items(), reverse=True)
    ]
