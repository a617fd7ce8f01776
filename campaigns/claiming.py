"""Whose turn it is: messages are claimed in batches, and claims of the dead are settled.

A claim is an owner and a lease by the clock of the database. A message that was claimed but
not begun is free again when the lease ends. One that was begun and never answered may have
arrived: it is held as uncertain, unless its channel takes the same message twice as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from campaigns import channels, eligibility
from campaigns.models import Campaign, Delivery
from crm.models import Customer

LEASE = timedelta(seconds=30)
Status = Delivery.Status


@dataclass(frozen=True)
class Claimed:
    """What one turn got: messages to send now, and how many were refused."""

    deliveries: Sequence[Delivery]
    refused: int


@transaction.atomic
def claim(campaign: Campaign, *, owner: str, now: datetime, limit: int) -> Claimed:
    """Take up to `limit` due messages of a campaign and put aside those that may not go out.

    On PostgreSQL rows that another worker is taking are passed over; on SQLite writers
    come one after another anyway.
    """
    free = due(now=now).filter(campaign=campaign, campaign__status=Campaign.Status.SENDING)
    rows = free.order_by("due_at", "id").select_for_update(skip_locked=True, of=("self",))
    ids = list(rows.values_list("pk", flat=True)[:limit])
    if not ids:
        return Claimed([], 0)
    mine = Delivery.objects.filter(pk__in=ids)
    mine.update(claimed_by=owner, claimed_until=Now() + LEASE)
    _one_at_a_time(mine)
    variants = campaign.variants.select_related("template").in_bulk()  # once, not once a message
    deliveries = list(mine.select_related("customer").order_by("pk"))
    for delivery in deliveries:
        delivery.campaign, delivery.variant = campaign, variants[delivery.variant_id]
    refused = eligibility.refusals(campaign, deliveries, now=now)
    _put_aside(refused)
    return Claimed([d for d in deliveries if d.pk not in refused], len(refused))


def due(*, now: datetime) -> "QuerySet[Delivery]":
    """Queued messages whose time has come and which no living worker holds."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    return Delivery.objects.filter(free, status=Status.QUEUED, due_at__lte=now)


def begin(delivery: Delivery, *, owner: str, now: datetime) -> bool:
    """Write down that this message is about to be handed over; only its owner can.

    False when the claim was lost meanwhile; pausing and cancelling take every claim away.
    """
    began = Delivery.objects.filter(pk=delivery.pk, status=Status.QUEUED, claimed_by=owner).update(
        status=Status.SENDING,
        attempted_at=now,
        attempts=F("attempts") + 1,
        claimed_until=Now() + LEASE,
    )
    delivery.attempts += bool(began)
    return bool(began)


def end(delivery: Delivery, *, owner: str, **outcome: object) -> bool:
    """Write down what became of a message we began, even if it was held meanwhile."""
    ours = Delivery.objects.filter(
        pk=delivery.pk, claimed_by=owner, status__in=[Status.SENDING, Status.UNCERTAIN]
    )
    return bool(ours.update(claimed_by="", claimed_until=None, **outcome))


def release(owner: str, *, campaign: Campaign) -> int:
    """Give back what this owner claimed and did not begin."""
    return Delivery.objects.filter(
        campaign=campaign, claimed_by=owner, status=Status.QUEUED
    ).update(claimed_by="", claimed_until=None)


def settle_lapsed(*, now: datetime) -> int:
    """Decide about messages whose worker died between beginning and answer; return how many."""
    lapsed = Delivery.objects.filter(status=Status.SENDING, claimed_until__lt=Now())
    settled = 0
    for name in lapsed.values_list("channel", flat=True).distinct().order_by():
        of_channel = lapsed.filter(channel=name)
        if channels.is_idempotent(channels.get(name)):
            settled += of_channel.update(
                status=Status.QUEUED, due_at=now, claimed_by="", claimed_until=None
            )
        else:  # the owner stays written: if it lives after all, its answer still counts
            settled += of_channel.update(
                status=Status.UNCERTAIN, reason="no answer", claimed_until=None
            )
    return settled


def _one_at_a_time(mine: "QuerySet[Delivery]") -> None:
    """Lock the customers, or two campaigns could pass one customer's cap at the same time.

    Ordered by id, or two workers lock the same rows in opposite order.
    """
    customers = Customer.objects.filter(pk__in=mine.values("customer_id")).order_by("pk")
    list(customers.select_for_update(no_key=True).values_list("pk", flat=True))


def _put_aside(refused: dict[int, eligibility.Refusal]) -> None:
    by_refusal: dict[eligibility.Refusal, list[int]] = {}
    for pk, refusal in refused.items():
        by_refusal.setdefault(refusal, []).append(pk)
    for refusal, ids in by_refusal.items():
        rows = Delivery.objects.filter(pk__in=ids)
        if refusal.until is None:
            rows.update(
                status=Status.SKIPPED, reason=refusal.reason, claimed_by="", claimed_until=None
            )
        else:
            rows.update(
                due_at=refusal.until, reason=refusal.reason, claimed_by="", claimed_until=None
            )
