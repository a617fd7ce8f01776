"""Where the value to come lies: customers by tenth of it, and how much the best tenths hold."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, FloatField, Q, QuerySet, Window
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Ntile

from crm.insight.grouping import grouped
from crm.models import Score

BY_TENTH = """
    SELECT tenth, COUNT(*), SUM(value), SUM(low), SUM(high) FROM inner_rows
    GROUP BY tenth ORDER BY tenth"""


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers, the most valuable first.

    value, lower, upper: mean per customer over a year; held: share of everybody's value that
    this tenth and those before it hold.
    """

    number: int
    customers: int
    value: float
    lower: float
    upper: float
    held: float


@dataclass(frozen=True)
class Worth:
    """Mean value to come of the customers of a group, and of everybody."""

    customers: int
    mean: float | None
    usual: float | None


def worth(members: QuerySet[Any]) -> Worth:
    """One query. members: customer ids."""
    inside = Q(customer__in=members)
    found = Score.objects.filter(name="clv").aggregate(
        customers=Count("pk", filter=inside), mean=Avg("value", filter=inside), usual=Avg("value")
    )
    return Worth(**found)


def tenths(members: QuerySet[Any] | None = None) -> list[Tenth]:
    """One query. Empty where no value was scored."""
    scores = Score.objects.filter(name="clv")
    if members is not None:
        scores = scores.filter(customer__in=members)
    rows = scores.annotate(
        low=Cast(KT("detail__lower"), output_field=FloatField()),
        high=Cast(KT("detail__upper"), output_field=FloatField()),
        tenth=Window(Ntile(10), order_by=[F("value").desc(), F("pk").asc()]),
    ).values("value", "low", "high", "tenth")
    found = grouped(rows, BY_TENTH)
    total = sum(value for _, _, value, _, _ in found)
    tenths, held = [], 0.0
    for number, customers, value, low, high in found:
        held += value
        means = (value / customers, (low or 0.0) / customers, (high or 0.0) / customers)
        tenths.append(Tenth(int(number), customers, *means, held / total if total else 0.0))
    return tenths
