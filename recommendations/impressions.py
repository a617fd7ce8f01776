"""Write down what was shown and what was clicked."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count

from crm import timeline
from crm.models import Customer
from crm.prepared import Inserted, Prepared
from recommendations.events import ProductClicked, ProductsShown
from recommendations.models import Impression
from recommendations.recommended import Recommended

TOO_OFTEN = 8  # times shown at one place, never clicked …
REMEMBERED = timedelta(days=7)  # … within this time


def seen_too_often(customer: Customer, *, placement: str, now: datetime) -> set[int]:
    """Products that this customer passed over again and again at this placement."""
    if customer.pk is None:
        return set()
    tired = TIRED.rows(customer=customer.pk, placement=placement, since=now - REMEMBERED, until=now)
    return {product for (product,) in tired}


def _tired(customer: int, placement: str, since: datetime, until: datetime) -> Any:
    shown = Impression.objects.filter(
        customer=customer, placement=placement, shown_at__gt=since, shown_at__lte=until
    ).values("product_id")
    tired = shown.annotate(times=Count("id"), clicks=Count("clicked_at")).filter(
        times__gte=TOO_OFTEN, clicks=0
    )
    return tired.values_list("product_id")


TIRED = Prepared(_tired, customer=int, placement=str, since=datetime, until=datetime)
WRITTEN = Inserted(
    Impression,
    "customer",
    "product",
    "placement",
    "position",
    "artifact",
    "reason_code",
    "score",
    "propensity",
    "interleaving",
    "shown_at",
)


@transaction.atomic(savepoint=False)  # nobody carries on after a failure in here
def record(
    customer: Customer, recommended: Sequence[Recommended], *, placement: str, now: datetime
) -> list[Recommended]:
    """Return the same list, each with the id of its impression."""
    if not recommended:
        return []
    ids = WRITTEN.ids(
        [
            (
                customer.pk,
                one.product.pk,
                placement,
                one.rank,
                one.artifact,
                one.reason_code,
                one.score,
                one.propensity,
                one.interleaving,
                now,
            )
            for one in recommended
        ]
    )
    shown = ProductsShown(
        placement=placement,
        artifact=recommended[0].artifact,
        skus=tuple(one.product.sku for one in recommended),
        impressions=tuple(ids),
    )
    entry = timeline.Entry(
        customer_id=customer.pk,
        kind=shown.kind,
        data=asdict(shown),
        happened_at=now,
        message_id=f"{shown.kind}:{ids[0]}",
        source="rapport",
    )
    timeline.record_many([entry], received_at=now)  # `record` would read the row back
    return [replace(one, impression=pk) for one, pk in zip(recommended, ids, strict=True)]


@transaction.atomic
def click(impression_id: int, now: datetime) -> Impression | None:
    """Write down the first click on an impression; later ones change nothing.

    Returns the impression, or None where there is no such.
    """
    first = Impression.objects.filter(pk=impression_id, clicked_at=None).update(clicked_at=now)
    found = Impression.objects.select_related("customer", "product").filter(pk=impression_id)
    impression = found.first()
    if first and impression is not None:
        fact = ProductClicked(
            impression_id=impression.pk,
            placement=impression.placement,
            position=impression.position,
            sku=impression.product.sku,
        )
        timeline.record(impression.customer, fact, at=now, key=str(impression.pk))
    return impression
