"""The audience of a campaign frozen inside PostgreSQL: a batch in one statement, no row fetched.

The arms are those that `ml/chance.py` draws, to the last bit: HMAC-SHA256 by the server's own
sha256 over keys that were padded here (RFC 2104), and the same arithmetic on doubles.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.ml import chance
from campaigns.models import BY_PHONE, Campaign, Variant
from crm.models import Channel

BLOCK = 64  # bytes of SHA-256

_PLACED = """
    SELECT *, {arm} AS arm FROM (
        SELECT *, CASE WHEN draw < %(holdout)s THEN NULL
            ELSE (draw - %(holdout)s) / (1 - %(holdout)s::float8) * %(total)s END AS place
        FROM (
            SELECT *, (('x' || left(encode(sha256(%(outer)s || sha256(
                %(inner)s || convert_to(%(experiment)s || chr(10) || customer_id, 'UTF8')
            )), 'hex'), 16))::bit(64) >> 11)::bigint / %(resolution)s::float8 AS draw
            FROM (
                SELECT m.customer_id, {address} AS address
                FROM crm_membership m JOIN crm_customer c ON c.id = m.customer_id
                WHERE m.segment_id = %(segment)s AND m.customer_id > %(after)s
                    AND c.merged_into_id IS NULL
                ORDER BY m.customer_id LIMIT %(batch)s
            ) AS members
        ) AS drawn
    ) AS numbers
"""
_MESSAGE_ID = """'<' || left(encode(sha256(%(outer)s || sha256(%(inner)s || convert_to(
    'message ' || %(campaign)s || ' ' || customer_id, 'UTF8'))), 'hex'), 32) || %(host)s"""
_DELIVERY = """
    INSERT INTO campaigns_delivery (campaign_id, customer_id, variant_id, step, occurrence, channel,
        attempts, claimed_by, due_at, queued_at, message_id, address, status, reason)
    SELECT %(campaign)s, customer_id, {variant}, 'broadcast', 0, %(channel)s,
        0, '', %(now)s, %(now)s, {message_id}, {rest}
"""
_FREEZE = """
    WITH placed AS MATERIALIZED ({placed}), assigned AS (
        INSERT INTO campaigns_assignment (campaign_id, customer_id, variant_id, propensity, policy,
            reason, assigned_at)
        SELECT %(campaign)s, customer_id, (%(variants)s::bigint[])[arm],
            CASE WHEN arm IS NULL THEN %(holdout)s ELSE (%(chances)s::float8[])[arm] END,
            %(policy)s,
            jsonb_build_object('segment', %(slug)s::text, 'draw', round(draw::numeric, 6)), %(now)s
        FROM placed ON CONFLICT DO NOTHING
    ), queued AS (
        {delivery} FROM placed WHERE arm IS NOT NULL
        ORDER BY customer_id ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT count(*), max(customer_id), count(*) FILTER (WHERE arm IS NULL),
        (SELECT count(*) FROM queued) FROM placed
"""
# Whoever got none has an address that another customer of the audience has.
_SAME_ADDRESS = """
    {delivery} FROM campaigns_assignment a
    WHERE campaign_id = %(campaign)s AND variant_id IS NOT NULL
        AND customer_id > %(after)s AND customer_id <= %(last)s
        AND customer_id NOT IN (
            SELECT customer_id FROM campaigns_delivery WHERE campaign_id = %(campaign)s
                AND customer_id > %(after)s AND customer_id <= %(last)s)
    ON CONFLICT DO NOTHING
"""


def freeze(  # noqa: PLR0913  (everything the arms hang on)
    campaign: Campaign,
    variants: Sequence[Variant],
    *,
    secret: bytes,
    host: str,
    policy: str,
    now: datetime,
    batch: int,
) -> tuple[int, int, int]:
    """Give the next members an arm and a delivery; return how many, the last, how many held out."""
    assert campaign.segment is not None, "only a broadcast has an audience"
    weights = [variant.weight for variant in variants]
    holdout = float(campaign.holdout_share)
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "segment": campaign.segment_id,
        "slug": campaign.segment.slug,
        "experiment": f"campaign-{campaign.pk}",
        "after": campaign.materialised_to,
        "channel": campaign.channel,
        "holdout": holdout,
        "total": sum(weights),
        "variants": [variant.pk for variant in variants],
        "chances": [(1 - holdout) * weight / sum(weights) for weight in weights],
        "resolution": float(chance.RESOLUTION),
        "inner": _padded(secret, 0x36),
        "outer": _padded(secret, 0x5C),
        "host": f"@{host}>",
        "policy": policy,
        "now": now,
        "batch": batch,
    }
    placed = _PLACED.format(arm=_arm(weights), address=_address(campaign.channel))
    with connection.cursor() as cursor:
        cursor.execute(_FREEZE.format(placed=placed, delivery=_first_delivery()), values)
        number, last, held_out, queued = cursor.fetchone()
        if queued + held_out < number:
            rest = "'', 'skipped', 'same_address'"
            skip = _DELIVERY.format(variant="variant_id", message_id=_MESSAGE_ID, rest=rest)
            cursor.execute(_SAME_ADDRESS.format(delivery=skip), values | {"last": last})
    return number, last, held_out


def _first_delivery() -> str:
    """Queued, or skipped without an address; none where the address has been written to."""
    return _DELIVERY.format(
        variant="(%(variants)s::bigint[])[arm]",
        message_id=_MESSAGE_ID,
        rest="address, CASE address WHEN '' THEN 'skipped' ELSE 'queued' END,"
        " CASE address WHEN '' THEN 'no_address' ELSE '' END",
    )


def _arm(weights: Sequence[int]) -> str:
    """Which arm a place falls into, from 1; the weights taken off one by one, as `chance` does."""
    left, cases = "place", []
    for arm, weight in enumerate(weights[:-1], start=1):
        left = f"({left} - {int(weight)})"
        cases.append(f"WHEN {left} < 0 THEN {arm}")
    return f"CASE WHEN place IS NULL THEN NULL {' '.join(cases)} ELSE {len(weights)} END"


def _address(channel: str) -> str:
    if channel == Channel.EMAIL:
        return "lower(btrim(c.email, E' \\t\\r\\n'))"
    return "c.phone" if channel in BY_PHONE else "c.public_id::text"


def _padded(secret: bytes, pad: int) -> bytes:
    key = hashlib.sha256(secret).digest() if len(secret) > BLOCK else secret
    return bytes(byte ^ pad for byte in key.ljust(BLOCK, b"\0"))
