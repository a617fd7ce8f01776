"""Segment -> customers with their arms, frozen when a campaign starts.

Works in batches by customer number, each in one transaction with the mark of how far it came,
so it may be killed at any moment and run again: the arms are the same and nobody comes twice.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet

from campaigns import freezing
from campaigns.ml import chance
from campaigns.models import BY_PHONE, Assignment, Campaign, Delivery, Variant
from crm.models import Channel, Membership, Segment

POLICY = "holdout-and-weights-1"
BATCH = 2000 if settings.IS_SQLITE else 20_000


class EmptyAudience(Exception):
    """The segment of the campaign has no members to write to."""


class Member(NamedTuple):
    customer_id: int
    email: str
    phone: str
    public_id: object

    def address(self, channel: str) -> str:
        if channel == Channel.EMAIL:
            return self.email.strip().lower()
        return self.phone if channel in BY_PHONE else str(self.public_id)


def size(campaign: Campaign) -> int:
    return _members(campaign).count()


def customers(campaign: Campaign) -> QuerySet[Membership, int]:
    """The ids of its members, as a subquery."""
    return _members(campaign).values_list("customer_id", flat=True)


def refuse_empty(campaign: Campaign) -> None:
    """Raise EmptyAudience when nobody would be in it."""
    if not _members(campaign).exists():
        raise EmptyAudience(f"The segment “{campaign.segment}” has no members.")


def materialise(campaign_id: int, *, now: datetime, batch: int = BATCH) -> int:
    """Give every member an arm, and everyone not held out a delivery; return how many members.

    The campaign then goes on to send. Returns 0 for a campaign that is not at this stage.
    """
    total = 0
    while (done := _next_batch(campaign_id, now=now, batch=batch)) is not None:
        total += done
    return total


@transaction.atomic
def _next_batch(campaign_id: int, *, now: datetime, batch: int) -> int | None:
    """Do one batch; None when there is nothing left. The locked row keeps a second worker out."""
    campaign = (
        Campaign.objects.select_for_update(of=("self",))
        .select_related("segment")
        .materialising()
        .filter(pk=campaign_id)
        .first()
    )
    if campaign is None:
        return None
    if connection.vendor == "postgresql":
        return _freeze(campaign, now=now, batch=batch)
    rows = _members(campaign).filter(customer_id__gt=campaign.materialised_to)
    members = [
        Member(*row)
        for row in rows.order_by("customer_id").values_list(
            "customer_id", "customer__email", "customer__phone", "customer__public_id"
        )[:batch]
    ]
    if not members:
        _complete(campaign)
        return None
    _assign(campaign, members, now=now)
    return len(members)


def _complete(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(status=Campaign.Status.SENDING)


def _freeze(campaign: Campaign, *, now: datetime, batch: int) -> int | None:
    """A batch inside PostgreSQL, which needs to tell us nothing but how far it came."""
    number, last, held_out = freezing.freeze(
        campaign,
        list(campaign.variants.order_by("pk")),
        secret=_secret(),
        host=_host(),
        policy=POLICY,
        now=now,
        batch=batch,
    )
    if not number:
        _complete(campaign)
        return None
    _count(campaign, last=last, number=number, held_out=held_out)
    return number


def _count(campaign: Campaign, *, last: int, number: int, held_out: int) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(
        materialised_to=last,
        audience_size=F("audience_size") + number,
        holdout_size=F("holdout_size") + held_out,
    )


def _segment(campaign: Campaign) -> Segment:
    assert campaign.segment is not None, "only a broadcast has an audience"
    return campaign.segment


def _members(campaign: Campaign) -> QuerySet[Membership]:
    return Membership.objects.filter(segment=campaign.segment_id, customer__merged_into=None)


def _assign(campaign: Campaign, members: Sequence[Member], *, now: datetime) -> None:
    variants = list(campaign.variants.order_by("pk"))
    assignments = [_assignment(campaign, variants, member, now=now) for member in members]
    Assignment.objects.bulk_create(assignments, ignore_conflicts=True)
    treated = {a.customer_id: a.variant for a in assignments if a.variant is not None}
    addressed = [m for m in members if m.customer_id in treated]
    _queue(campaign, addressed, treated, now=now)
    last, held_out = members[-1].customer_id, len(members) - len(treated)
    _count(campaign, last=last, number=len(members), held_out=held_out)


def _assignment(
    campaign: Campaign, variants: Sequence[Variant], member: Member, *, now: datetime
) -> Assignment:
    number = chance.unit(_secret(), f"campaign-{campaign.pk}", str(member.customer_id))
    drawn = chance.draw(
        number, holdout=float(campaign.holdout_share), weights=[v.weight for v in variants]
    )
    return Assignment(
        campaign=campaign,
        customer_id=member.customer_id,
        variant=None if drawn.arm is None else variants[drawn.arm],
        propensity=drawn.propensity,
        policy=POLICY,
        reason={"segment": _segment(campaign).slug, "draw": round(number, 6)},
        assigned_at=now,
    )


def _queue(
    campaign: Campaign,
    members: Sequence[Member],
    treated: dict[int, Variant],
    *,
    now: datetime,
) -> None:
    """One delivery each. Who has no address, or shares one, is skipped with the reason."""
    taken = _addresses_taken(campaign, [m.address(campaign.channel) for m in members])
    rows = []
    for member in members:
        address = member.address(campaign.channel)
        reason = "no_address" if not address else "same_address" if address in taken else ""
        taken.add(address)
        rows.append(
            Delivery(
                campaign=campaign,
                customer_id=member.customer_id,
                variant=treated[member.customer_id],
                channel=campaign.channel,
                address="" if reason else address,
                message_id=message_id(campaign.pk, member.customer_id),
                status=Delivery.Status.SKIPPED if reason else Delivery.Status.QUEUED,
                reason=reason,
                due_at=now,
                queued_at=now,
            )
        )
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _addresses_taken(campaign: Campaign, addresses: Sequence[str]) -> set[str]:
    known = Delivery.objects.filter(campaign=campaign, address__in=addresses)
    return set(known.exclude(address="").values_list("address", flat=True))


def message_id(campaign_id: int, customer_id: int, *, occurrence: int = 0) -> str:
    """Fixed by whom it is for, so that a message handed over again is known for the same."""
    again = f" {occurrence}" if occurrence else ""
    subject = f"message {campaign_id} {customer_id}{again}".encode()
    digest = hmac.digest(_secret(), subject, hashlib.sha256).hex()[:32]
    return f"<{digest}@{_host()}>"


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def _secret() -> bytes:
    return hashlib.sha256(f"campaigns.audiences {settings.SECRET_KEY}".encode()).digest()
