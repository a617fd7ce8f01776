"""Whose turn it is: messages are claimed in batches, and claims of the dead are settled.

A claim is an owner and a lease by the clock of the database. A message that was claimed but
not begun is free again when the lease ends. One that was begun and never answered may have
arrived: it is held as uncertain, unless its channel takes the same message twice as one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from campaigns import channels, eligibility, journal
from campaigns.models import Campaign, Delivery, Variant

LEASE = timedelta(seconds=30)
Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Reader:
    """A customer, as far as a message needs them."""

    pk: int
    name: str
    language: str
    traits: dict[str, Any]


@dataclass(slots=True)
class Due:
    """A claimed delivery. A tenth of the cost of two model instances, a thousand times a turn."""

    pk: int
    channel: str
    address: str
    message_id: str
    attempts: int
    variant: Variant
    customer: Reader

    @property
    def customer_id(self) -> int:
        return self.customer.pk


@dataclass(frozen=True)
class Claimed:
    """What one turn got: messages to send now, and how many were refused."""

    deliveries: Sequence[Due]
    refused: int


@transaction.atomic
def claim(
    campaign: Campaign, *, owner: str, now: datetime, limit: int, begun: bool = False
) -> Claimed:
    """Take up to `limit` due messages of a campaign and put aside those that may not go out.

    On PostgreSQL rows that another worker is taking are passed over; on SQLite writers
    come one after another anyway. `begun`: the owner keeps a journal, so the claim itself marks
    the messages as under way.
    """
    if campaign.cap_messages is not None:
        _one_at_a_time(campaign.channel)
    free = due(now=now).filter(campaign=campaign, campaign__status=Campaign.Status.SENDING)
    free = free.order_by("due_at", "id").select_for_update(skip_locked=True, of=("self",))
    rows = eligibility.ask(free[:limit], campaign, now=now)
    if not rows:
        return Claimed([], 0)
    refused = eligibility.refusals(campaign, rows, now=now)
    _put_aside(refused)
    mine = [row for row in rows if row.pk not in refused]
    marks: dict[str, Any] = {"status": Status.SENDING, "attempted_at": now} if begun else {}
    if mine:
        Delivery.objects.filter(pk__in=[row.pk for row in mine]).update(
            claimed_by=owner, claimed_until=Now() + LEASE, **marks
        )
    variants = campaign.variants.select_related("template").in_bulk()  # once, not once a message
    return Claimed([_due(campaign, row, variants[row.variant_id]) for row in mine], len(refused))


def _due(campaign: Campaign, row: "eligibility.Asked", variant: Variant) -> Due:
    reader = Reader(row.customer_id, row.name, row.language, row.traits)
    return Due(row.pk, campaign.channel, row.address, row.message_id, row.attempts, variant, reader)


def due(*, now: datetime) -> "QuerySet[Delivery]":
    """Queued messages whose time has come and which no living worker holds."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    return Delivery.objects.filter(free, status=Status.QUEUED, due_at__lte=now)


def begin(delivery: Due, *, owner: str, now: datetime) -> bool:
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


def end(delivery: Due, *, owner: str, **outcome: object) -> bool:
    """Write down what became of a message we began, even if it was held meanwhile."""
    return bool(end_all([delivery.pk], owner=owner, **outcome))


def end_all(delivery_ids: Collection[int], *, owner: str, **outcome: object) -> int:
    """`end` for many messages that came to the same."""
    return (
        _begun_by(owner)
        .filter(pk__in=delivery_ids)
        .update(**{"claimed_by": "", "claimed_until": None} | outcome)
    )


def renew(delivery_ids: Collection[int], *, owner: str) -> None:
    """The owner is alive and has not come to these yet."""
    _begun_by(owner).filter(pk__in=delivery_ids).update(claimed_until=Now() + LEASE)


def give_back(delivery_ids: Collection[int], *, owner: str) -> int:
    """Messages marked as under way that were certainly not handed over are free again."""
    return end_all(delivery_ids, owner=owner, status=Status.QUEUED)


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


def settle_abandoned(*, now: datetime) -> int:
    """Read the journals of senders that died here; return how many messages they decide about."""
    settled = 0
    for left in journal.abandoned():
        settled += _settle(left, now=now)
        left.remove()
    return settled


@transaction.atomic
def _settle(left: journal.Abandoned, *, now: datetime) -> int:
    """Answered: sent. Asked, no answer: uncertain. Never asked: free again.

    A journal of before the machine started may lack its last lines: all of it is uncertain.
    """
    ids = set(_begun_by(left.owner).values_list("pk", flat=True))
    words = left.last_words(ids)
    unasked = None if left.is_whole else journal.ASKED
    said: dict[bytes | None, list[int]] = {}
    for delivery_id in ids:
        said.setdefault(words.get(delivery_id, unasked), []).append(delivery_id)
    sent: dict[str, Any] = {"status": Status.SENT, "sent_at": now, "reason": ""}
    held: dict[str, Any] = {"status": Status.UNCERTAIN, "reason": "no answer"}
    for mark, outcome in ((journal.ACCEPTED, sent), (journal.ASKED, held)):
        tried = outcome | {"attempts": F("attempts") + 1}
        end_all(said.get(mark, []), owner=left.owner, **tried)
    give_back(said.get(None, []) + said.get(journal.REFUSED, []), owner=left.owner)
    return len(ids)


def _begun_by(owner: str) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(claimed_by=owner, status__in=[Status.SENDING, Status.UNCERTAIN])


def _one_at_a_time(channel: str) -> None:
    """Two campaigns could pass one customer's cap at the same time.

    One lock a claim costs a thousandth of a lock on every customer of it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"cap of {channel}"])


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
