"""A block of a frozen audience -> arms and messages: what a sender does ahead of itself.

A block is done in one transaction, which takes it away; so it may be killed at any moment, and
several workers may do it at once: the arms are the same whoever draws them, and nobody comes twice.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F

from campaigns import audiences, freezing
from campaigns.ml import chance
from campaigns.models import BY_PHONE, Assignment, AudienceBlock, Campaign, Delivery
from crm.models import Channel, Customer

POLICY = "holdout-and-weights-1"

# In the order of the addresses, or two workers with the same two wait for one another for ever.
_PREPARE = """
    WITH placed AS MATERIALIZED (
        SELECT drawn.*, {address} AS address
        FROM unnest(%(ids)s::bigint[], %(variants)s::bigint[], %(chances)s::float8[],
            %(draws)s::float8[], %(messages)s::text[])
            AS drawn (customer_id, variant_id, propensity, draw, message_id)
        JOIN crm_customer c ON c.id = drawn.customer_id
    ), assigned AS (
        INSERT INTO campaigns_assignment (campaign_id, customer_id, variant_id, propensity, policy,
            reason, assigned_at)
        SELECT %(campaign)s, customer_id, variant_id, propensity, %(policy)s,
            jsonb_build_object('segment', %(segment)s::text, 'draw', draw), %(now)s
        FROM placed ON CONFLICT DO NOTHING
    ), queued AS (
        {delivery}, address, CASE address WHEN '' THEN 'skipped' ELSE 'queued' END,
            CASE address WHEN '' THEN 'no_address' ELSE '' END
        FROM placed WHERE variant_id IS NOT NULL
        ORDER BY address COLLATE "C", customer_id ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT count(*), count(*) FILTER (WHERE variant_id IS NULL), (SELECT count(*) FROM queued)
    FROM placed
"""
_DELIVERY = """
    INSERT INTO campaigns_delivery (campaign_id, customer_id, variant_id, message_id, step,
        occurrence, channel, attempts, claimed_by, due_at, queued_at, address, status, reason)
    SELECT %(campaign)s, customer_id, variant_id, message_id, 'broadcast',
        0, %(channel)s, 0, '', %(now)s, %(now)s
"""
# Whoever got none has an address that another customer of the audience has.
_SAME_ADDRESS = """
    {delivery}, '', 'skipped', 'same_address'
    FROM unnest(%(ids)s::bigint[], %(variants)s::bigint[], %(messages)s::text[])
        AS drawn (customer_id, variant_id, message_id)
    WHERE variant_id IS NOT NULL
        AND EXISTS (SELECT FROM crm_customer c WHERE c.id = drawn.customer_id)
        AND customer_id NOT IN (
            SELECT customer_id FROM campaigns_delivery
            WHERE campaign_id = %(campaign)s AND step = 'broadcast'
                AND customer_id = ANY(%(ids)s::bigint[]))
    ON CONFLICT DO NOTHING
"""


class Drawn(NamedTuple):
    """The arm of one customer (no variant: held out) and the message they would get."""

    customer_id: int
    variant_id: int | None
    propensity: float
    number: float
    message_id: str


def prepare(campaign_id: int, *, now: datetime) -> int:
    """Do the next block that no other worker is at; return for how many customers, 0 for none.

    Only of a campaign that is sending.
    """
    with transaction.atomic():
        blocks = AudienceBlock.objects.select_for_update(skip_locked=True, of=("self",))
        mine = blocks.filter(campaign=campaign_id, campaign__status=Campaign.Status.SENDING)
        block = mine.order_by("place").select_related("campaign__segment").first()
        if block is None:
            return 0
        drawn = _draw(block.campaign, freezing.unpacked(bytes(block.customers)))
        is_inside = connection.vendor == "postgresql"
        here, held_out = (_insert if is_inside else _create)(block.campaign, drawn, now=now)
        block.delete()
        # Last, as everybody who is at this campaign waits for this row. Who was in the block and
        # is no longer a customer at all was never given an arm.
        Campaign.objects.filter(pk=campaign_id).update(
            unprepared=F("unprepared") - block.size,
            audience_size=F("audience_size") - (block.size - here),
            holdout_size=F("holdout_size") + held_out,
        )
    return block.size


def prepare_all(campaign_id: int, *, now: datetime) -> int:
    """Freeze the audience where that is still to be done, and prepare all of it."""
    freezing.freeze(campaign_id)
    total = 0
    while done := prepare(campaign_id, now=now):
        total += done
    return total


def _draw(campaign: Campaign, customer_ids: Sequence[int]) -> list[Drawn]:
    variants = list(campaign.variants.order_by("pk"))
    holdout, weights = float(campaign.holdout_share), [variant.weight for variant in variants]
    secret, experiment, drawn = audiences.secret(), f"campaign-{campaign.pk}", []
    for customer_id in customer_ids:
        number = chance.unit(secret, experiment, str(customer_id))
        arm, propensity = chance.draw(number, holdout=holdout, weights=weights)
        message_id = audiences.message_id(campaign.pk, customer_id)
        variant_id = None if arm is None else variants[arm].pk
        drawn.append(Drawn(customer_id, variant_id, propensity, round(number, 6), message_id))
    return drawn


def _insert(campaign: Campaign, drawn: Sequence[Drawn], *, now: datetime) -> tuple[int, int]:
    """Inside PostgreSQL, which sends nothing back but how many there are and how many held out."""
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "segment": _segment(campaign),
        "channel": campaign.channel,
        "policy": POLICY,
        "now": now,
    }
    columns = ("ids", "variants", "chances", "draws", "messages")
    values |= dict(zip(columns, map(_array, zip(*drawn, strict=True)), strict=True))
    statement = _PREPARE.format(address=_address(campaign.channel), delivery=_DELIVERY)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        here, held_out, queued = cursor.fetchone()
        if queued + held_out < here:
            cursor.execute(_SAME_ADDRESS.format(delivery=_DELIVERY), values)
    return here, held_out


def _array(column: Sequence[object]) -> str:
    """Numbers and message ids, none of which needs quoting; one text is parsed ten times as fast
    as a list of constants."""
    return "{" + ",".join("NULL" if one is None else str(one) for one in column) + "}"


def _address(channel: str) -> str:
    if channel == Channel.EMAIL:
        return "lower(btrim(c.email, E' \\t\\r\\n'))"
    return "c.phone" if channel in BY_PHONE else "c.public_id::text"


def _create(campaign: Campaign, drawn: Sequence[Drawn], *, now: datetime) -> tuple[int, int]:
    """The same by rows, for SQLite."""
    fields = ("id", "email", "phone", "public_id")
    found = Customer.objects.filter(pk__in=[one.customer_id for one in drawn]).values_list(*fields)
    members = {row[0]: audiences.Member(*row) for row in found}
    here = [one for one in drawn if one.customer_id in members]
    Assignment.objects.bulk_create(
        (_assignment(campaign, one, now=now) for one in here), ignore_conflicts=True
    )
    treated = [one for one in here if one.variant_id is not None]
    addresses = [members[one.customer_id].address(campaign.channel) for one in treated]
    taken, rows = _addresses_taken(campaign, addresses), []
    for one, address in zip(treated, addresses, strict=True):
        reason = "no_address" if not address else "same_address" if address in taken else ""
        taken.add(address)
        rows.append(_delivery(campaign, one, address, reason, now=now))
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(here), len(here) - len(treated)


def _assignment(campaign: Campaign, one: Drawn, *, now: datetime) -> Assignment:
    return Assignment(
        campaign=campaign,
        customer_id=one.customer_id,
        variant_id=one.variant_id,
        propensity=one.propensity,
        policy=POLICY,
        reason={"segment": _segment(campaign), "draw": one.number},
        assigned_at=now,
    )


def _delivery(
    campaign: Campaign, one: Drawn, address: str, reason: str, *, now: datetime
) -> Delivery:
    assert one.variant_id is not None, "who is held out gets no message"
    return Delivery(
        campaign=campaign,
        customer_id=one.customer_id,
        variant_id=one.variant_id,
        channel=campaign.channel,
        address="" if reason else address,
        message_id=one.message_id,
        status=Delivery.Status.SKIPPED if reason else Delivery.Status.QUEUED,
        reason=reason,
        due_at=now,
        queued_at=now,
    )


def _addresses_taken(campaign: Campaign, addresses: Collection[str]) -> set[str]:
    known = Delivery.objects.filter(campaign=campaign, address__in=addresses)
    return set(known.exclude(address="").values_list("address", flat=True))


def _segment(campaign: Campaign) -> str:
    assert campaign.segment is not None, "only a broadcast has an audience"
    return campaign.segment.slug
