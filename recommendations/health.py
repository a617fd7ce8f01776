"""How the recommendations do: quality, clicks, coverage, drift, cold starts, freshness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from crm import artifacts
from crm.models import Artifact, Customer, Event, Order, OrderLine, Product
from recommendations import (
    drift,
    exposure,
    interactions,
    interleavings,
    loudness,
    places,
    retraining,
)
from recommendations.models import Impression, Interleaving

if TYPE_CHECKING:
    from recommendations.ml.positions import Positions

WINDOW = timedelta(days=28)
TRAININGS = 20  # the newest
POSITIONS = 10  # further down is not drawn
READ = 100_000  # impressions from which positions are learned, for a page that people wait for
TENTH = 0.1


@dataclass(frozen=True)
class Clicks:
    """Clicks of one placement or position. `fair` is the rate if every product stood on top."""

    name: str
    shown: int
    clicked: int
    looked_at: float  # how many of those shown were looked at, as the top position is

    @property
    def rate(self) -> float | None:
        return self.clicked / self.shown if self.shown else None

    @property
    def fair(self) -> float | None:
        return self.clicked / self.looked_at if self.looked_at else None


def numbers(now: datetime) -> dict[str, Any]:
    """All that the page shows, in a fixed number of queries."""
    champion = artifacts.champion_of(retraining.NAME)
    return {
        "as_of": now,
        "days": WINDOW.days,
        "champion": champion,
        "trainings": _trainings(),
        "news": retraining.news(now=now),
        "next_by_clock": retraining.next_by_clock(now),
        "test": _running(now),
        "drift": drift.since(champion.as_of, now=now) if champion else None,
        **_clicks(now),
        **_reach(now, champion),
    }


def _trainings() -> list[Artifact]:
    """The newest trainings, the oldest of them first."""
    rows = Artifact.objects.filter(name=retraining.NAME).order_by("-pk")
    return list(rows.only("pk", "name", "as_of", "metrics", "baseline_metrics", "promoted_at"))[
        :TRAININGS
    ][::-1]


def _running(now: datetime) -> dict[str, Any] | None:
    test = Interleaving.objects.running().select_related("first", "second").first()
    return {"test": test, "result": interleavings.result(test, now=now)} if test else None


def _clicks(now: datetime) -> dict[str, Any]:
    rows = list(
        Impression.objects.filter(shown_at__gt=now - WINDOW, shown_at__lte=now)
        .values_list("placement", "position")
        .annotate(shown=Count("pk"), clicked=Count("clicked_at"))
        .order_by("placement", "position")
    )
    found = loudness.by_placement(loudness.shown(until=now, most=READ)) if rows else {}
    return {
        "placements": _by_placement(rows, found),
        "positions": _by_position(rows, found),
        "informative": found[""].informative_ if found else 0,
    }


def _by_placement(
    rows: Sequence[tuple[str, int, int, int]], found: "Mapping[str, Positions]"
) -> list[Clicks]:
    """The most shown first."""
    sums: dict[str, list[float]] = {}
    for placement, position, shown, clicked in rows:
        one = sums.setdefault(placement, [0, 0, 0.0])
        one[0] += shown
        one[1] += clicked
        one[2] += shown * _looked_at(found, placement, position)
    made = [
        Clicks(places.name_of(name), int(shown), int(clicked), looked_at)
        for name, (shown, clicked, looked_at) in sums.items()
    ]
    return sorted(made, key=lambda one: (-one.shown, one.name))


def _by_position(
    rows: Sequence[tuple[str, int, int, int]], found: "Mapping[str, Positions]"
) -> list[Clicks]:
    """Of all placements together, from the top."""
    made = []
    for place in range(1, POSITIONS + 1):
        mine = [row for row in rows if row[1] == place]
        looked = sum(shown * _looked_at(found, name, place) for name, _, shown, _ in mine)
        shown, clicked = sum(row[2] for row in mine), sum(row[3] for row in mine)
        if shown:
            made.append(Clicks(str(place), shown, clicked, looked))
    return made


def _looked_at(found: "Mapping[str, Positions]", placement: str, position: int) -> float:
    import numpy as np

    return float(found.get(placement, found[""]).looked_at(np.array([position]))[0])


def _reach(now: datetime, champion: Artifact | None) -> dict[str, Any]:
    """How much of the catalogue is shown, and of whom and of what nothing is known."""
    on_sale = Product.objects.filter(is_active=True)
    recent = Impression.objects.filter(shown_at__gt=now - WINDOW, shown_at__lte=now)
    counts = sorted(
        recent.filter(product__is_active=True)
        .values("product")
        .annotate(shown=Count("pk"))
        .values_list("shown", flat=True),
        reverse=True,
    )
    products = on_sale.count()
    tops = recent.filter(position=1)
    lists, plain = tops.count(), tops.filter(artifact="popularity").count()
    people = Customer.objects.filter(pk__in=recent.values("customer_id"))
    strangers = people.exclude(Exists(_bought())).exclude(Exists(_did())).count()
    everybody = people.count()
    sold = OrderLine.objects.values("product_id").distinct()
    young = on_sale.filter(created_at__gt=champion.as_of).count() if champion else 0
    return {
        "products": products,
        "coverage": len(counts) / products if products else None,
        "gini": exposure.gini(counts, products),
        "weeks": exposure.by_week(now, products),
        "held_by_tenth": _held_by(counts, max(round(TENTH * products), 1)),
        "lists": lists,
        "plain_lists": plain / lists if lists else None,
        "strangers": strangers / everybody if everybody else None,
        "unsold": on_sale.exclude(pk__in=sold).count() / products if products else None,
        "young": young / products if products else None,
    }


def _bought() -> QuerySet[Order]:
    return Order.objects.sales().filter(customer=OuterRef("pk"))


def _did() -> QuerySet[Event]:
    """What says something of a taste, besides orders."""
    return Event.objects.filter(customer=OuterRef("pk"), kind__in=interactions.EVENT_KINDS)


def _held_by(counts: Sequence[int], most: int) -> float | None:
    """The share of all impressions that the most shown products have."""
    total = sum(counts)
    return sum(counts[:most]) / total if total else None
