"""Recency by frequency: how many customers stand in each of the 25 cells, and what they spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, FloatField, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from crm.ml import rfm
from crm.models import Score

FIFTHS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Cell:
    """Customers of one recency and one frequency, 5 the best; `label` is what most are called."""

    recency: int
    frequency: int
    customers: int
    share: float
    money: float
    label: str


def grid(members: QuerySet[Any] | None = None) -> list[list[Cell]]:
    """Five rows, the most recent first, of five cells, the rarest buyers first. One query.

    members: customer ids to look at; else everybody who was scored. Empty where nobody was.
    """
    scores = Score.objects.filter(name="rfm")
    if members is not None:
        scores = scores.filter(customer__in=members)
    counted = (
        scores.values("detail__r", "detail__f", "label")
        .annotate(
            customers=Count("pk"),
            money=Avg(Cast(KT("detail__monetary"), output_field=FloatField())),
        )
        .order_by("-customers", "label")
    )
    cells: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for row in counted:
        cells.setdefault((int(row["detail__r"]), int(row["detail__f"])), []).append(row)
    total = sum(row["customers"] for rows in cells.values() for row in rows)
    if not total:
        return []
    return [[_cell(r, f, cells.get((r, f), []), total) for f in FIFTHS] for r in FIFTHS[::-1]]


def _cell(recency: int, frequency: int, rows: Sequence[Mapping[str, Any]], total: int) -> Cell:
    customers = sum(row["customers"] for row in rows)
    money = sum(row["customers"] * row["money"] for row in rows) / max(customers, 1)
    label = rows[0]["label"] if rows else ""  # the most frequent stands first
    assert not label or label in rfm.SLUGS
    return Cell(recency, frequency, customers, customers / total, money, label)
