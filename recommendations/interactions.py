"""What customers did with products, as of a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.models import Customer, Event, Feedback, Order, OrderLine, Product

WEIGHTS = {"bought": 1.0, "rated": 0.8, "added": 0.5, "clicked": 0.2, "viewed": 0.2}
EVENT_KINDS = {
    "crm.product_viewed": "viewed",
    "crm.product_added": "added",
    "recommendations.product_clicked": "clicked",
}
EVENTS_READ = 200  # of one customer: the newest say most
GOOD_SCORE = 4.0  # of five


@dataclass(frozen=True)
class Touch:
    """One customer did one thing with one product."""

    product_id: int
    kind: str  # a key of WEIGHTS, or "disliked"
    at: datetime


def of_customer(customer: Customer, *, now: datetime) -> list[Touch]:
    """Everything this customer did with products until now, oldest first. Four queries."""
    touches = [*_bought(customer, now), *_happened(customer, now), *_rated(customer, now)]
    return sorted(touches, key=lambda touch: touch.at)


def _bought(customer: Customer, now: datetime) -> Iterable[Touch]:
    lines = OrderLine.objects.filter(
        order__in=Order.objects.sales().filter(customer=customer), order__placed_at__lte=now
    ).values_list("product_id", "order__placed_at")
    return [Touch(product, "bought", at) for product, at in lines]


def _happened(customer: Customer, now: datetime) -> Iterable[Touch]:
    rows = list(
        Event.objects.filter(customer=customer, kind__in=EVENT_KINDS, happened_at__lte=now)
        .order_by("-happened_at")
        .values_list("kind", "data", "happened_at")[:EVENTS_READ]
    )
    skus = {sku_in(data) for _, data, _ in rows}
    ids = dict(Product.objects.filter(sku__in=skus).values_list("sku", "pk"))
    return [
        Touch(ids[sku_in(data)], EVENT_KINDS[kind], at)
        for kind, data, at in rows
        if sku_in(data) in ids
    ]


def _rated(customer: Customer, now: datetime) -> Iterable[Touch]:
    rows = Feedback.objects.filter(
        customer=customer, at__lte=now, kind__in=("rating", "review"), product__isnull=False
    ).exclude(score=None)
    return [
        Touch(product, "rated" if score >= GOOD_SCORE else "disliked", at)
        for product, score, at in rows.values_list("product_id", "score", "at")
        if product is not None and score is not None
    ]


def sku_in(data: dict[str, Any]) -> str:
    """The product an event speaks of, under the names that senders use."""
    return str(data.get("sku") or data.get("product_id") or "")
