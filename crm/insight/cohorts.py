"""Who comes back: of those who first bought in a month, the share that buys in each later one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Max, QuerySet
from django.db.models.functions import TruncMonth
from django.utils import timezone

from crm.insight.grouping import grouped
from crm.models import Order

COHORTS = 13
MONTHS = 12

BY_COHORT = """,
    firsts AS (SELECT customer_id, MIN(month) AS first FROM inner_rows GROUP BY customer_id)
    SELECT firsts.first, inner_rows.month, COUNT(*)
    FROM inner_rows JOIN firsts ON firsts.customer_id = inner_rows.customer_id
    GROUP BY firsts.first, inner_rows.month"""


@dataclass(frozen=True)
class Cohort:
    """First buyers of a month. retention[n]: share of them who bought n months later, or None
    where that month is not over."""

    month: date
    size: int
    retention: list[float | None]


def cohorts(*, as_of: datetime, members: QuerySet[Any] | None = None) -> list[Cohort]:
    """The newest cohorts, oldest first. Two queries; months are those of the reading time zone.

    The clock stops at the shop's last order: later silence is of the records.
    """
    orders = Order.objects.sales().filter(placed_at__lte=as_of, customer__merged_into=None)
    if members is not None:
        orders = orders.filter(customer__in=members)
    months = (
        orders.order_by().annotate(month=TruncMonth("placed_at")).values("customer_id", "month")
    )
    bought: dict[date, dict[date, int]] = {}
    for first, month, customers in grouped(months.distinct(), BY_COHORT):
        bought.setdefault(_month(first), {})[_month(month)] = customers
    recorded = Order.objects.filter(placed_at__lte=as_of).aggregate(at=Max("placed_at"))
    today = timezone.localdate(recorded["at"] or as_of).replace(day=1)
    return [_cohort(first, bought[first], today) for first in sorted(bought)[-COHORTS:]]


def mean_retention(found: list[Cohort]) -> list[float | None]:
    """Per month, the share over all cohorts that have lived it, weighted by their size."""
    means: list[float | None] = []
    for place in range(MONTHS + 1):
        lived = [(c.size, share) for c in found if (share := c.retention[place]) is not None]
        people = sum(size for size, _ in lived)
        means.append(sum(size * share for size, share in lived) / people if people else None)
    return means


def _cohort(first: date, by_month: dict[date, int], today: date) -> Cohort:
    size = by_month[first]
    retention: list[float | None] = []
    for place in range(MONTHS + 1):
        month = _later(first, place)
        is_over = month < today or place == 0
        retention.append(by_month.get(month, 0) / size if is_over else None)
    return Cohort(first, size, retention)


def _later(month: date, months: int) -> date:
    place = month.year * 12 + month.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)


def _month(value: Any) -> date:
    """PostgreSQL answers with a moment, SQLite with text."""
    return date.fromisoformat(str(value)[:10])
