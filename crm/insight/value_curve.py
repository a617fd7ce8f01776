"""What one customer spent, and what we expect of them within a year: one line, then a fan."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crm import artifacts
from crm.models import Customer, Order, Score

if TYPE_CHECKING:
    from crm.ml.lifetime import Summary

STEPS = 12  # points of the year to come
YEAR = 365  # days
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Point:
    """Money altogether until a day; lower and upper are equal to it in the past."""

    day: int  # from the first order
    money: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Curve:
    """Past and expected points, days ascending; the last of the past begins the expected."""

    past: list[Point]
    expected: list[Point]
    first: datetime
    now: datetime


def curve(customer: Customer, score: Score) -> Curve | None:
    """None for a customer without orders. Three queries.

    Today is the last day with an order in the shop: later silence is of the records, and the
    value to come is counted from there.
    """
    orders = list(
        Order.objects.revenue()
        .filter(customer=customer, placed_at__lte=score.at)
        .order_by("placed_at", "pk")
        .values_list("placed_at", "total")
    )
    if not orders:
        return None
    recorded = Order.objects.revenue().filter(placed_at__lte=score.at)
    now = recorded.order_by("-placed_at").values_list("placed_at", flat=True)[0]
    first, spent, past = orders[0][0], 0.0, []
    for at, total in orders:
        spent += float(total)
        past.append(Point((at - first) // DAY, spent, spent, spent))
    today = (now - first) // DAY
    past.append(Point(today, spent, spent, spent))
    return Curve(past, [past[-1], *_expected(score, past, today)], first, now)


def _expected(score: Score, past: list[Point], today: int) -> list[Point]:
    """The value of the score, spread over the year as the estimator says it comes in."""
    spent = past[-1].money
    lower, upper = score.detail.get("lower", 0.0), score.detail.get("upper", score.value)
    points = []
    for step, share in enumerate(_shares(past, today), start=1):
        day = today + YEAR * step // STEPS
        low, middle, high = (spent + share * money for money in (lower, score.value, upper))
        points.append(Point(day, middle, low, high))
    return points


def _shares(past: list[Point], today: int) -> list[float]:
    """Of the purchases of the year, the share made by each step. Even where nothing serves."""
    from crm.ml.blended import Blended

    steps = [YEAR * (step + 1) / STEPS for step in range(STEPS)]
    lifetime = artifacts.load_serving(Blended)
    if lifetime is not None:
        summary = _summary(past, today)
        made = [float(lifetime.expected_purchases(summary, horizon=days)[0]) for days in steps]
        if made[-1] > 0:
            return [one / made[-1] for one in made]
    return [days / YEAR for days in steps]


def _summary(past: list[Point], today: int) -> "Summary":
    import numpy as np

    from crm.ml.lifetime import Summary

    before = [0.0, *(point.money for point in past)]
    bought = {p.day for p, had in zip(past[:-1], before, strict=False) if p.money > had}
    days = sorted(bought) or [0]
    return Summary(
        np.array([len(days) - 1]),
        np.array([days[-1] - days[0]]),
        np.array([max(today - days[0], 0)]),
        None,
    )
