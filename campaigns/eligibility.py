"""May this message go out now? Every rule asked of a whole batch at once.

Asked when messages are claimed, not when they are queued: a customer may say no in between.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Lower, Now

from campaigns import controls
from campaigns.models import Campaign, ControlGroup, Delivery
from crm import consent
from crm.models import Customer, Suppression


@dataclass(frozen=True)
class Refusal:
    """Why not: for good, or (with `until`) only for now."""

    reason: str
    until: datetime | None = None


class Asked(NamedTuple):
    """A due message with the answers to the rules at this moment."""

    pk: int
    customer_id: int
    variant_id: int
    address: str
    message_id: str
    attempts: int
    name: str
    language: str
    timezone: str
    traits: dict[str, Any]
    merged_into: int | None
    is_granted: bool
    is_suppressed: bool
    received: int
    control_group: int | None
    control_share: Decimal | None


def ask(due: "QuerySet[Delivery]", campaign: Campaign, *, now: datetime) -> Sequence[Asked]:
    """Ask everything of these rows of one campaign in one query, within whatever locks it takes."""
    customer = Customer.objects.filter(pk=OuterRef("customer_id"))
    granted = consent.consenting(customer, channel=campaign.channel, topic=campaign.topic)
    stopped = Suppression.objects.filter(
        channel=campaign.channel, address=Lower(OuterRef("address"))
    )
    rows = due.annotate(
        is_granted=Exists(granted),
        is_suppressed=Exists(stopped),
        received=_received(campaign, now=now),
        control_group=Subquery(ControlGroup.objects.running().values("pk")[:1]),
        control_share=Subquery(ControlGroup.objects.running().values("share")[:1]),
    )
    of_customer = [f"customer__{name}" for name in ("name", "language", "timezone", "traits")]
    found = rows.values_list(
        *Asked._fields[:6], *of_customer, "customer__merged_into", *Asked._fields[-5:]
    )
    return [Asked(*row) for row in found]


def refusals(campaign: Campaign, rows: Sequence[Asked], *, now: datetime) -> dict[int, Refusal]:
    """Return the refused ones by the id of their delivery.

    Rules in order; the first that is broken is the one that is told.
    """
    here: Counter[int] = Counter()  # two messages of one turn may be for one customer
    waits: dict[str, Refusal | None] = {}
    found = {}
    for row in rows:
        if row.timezone not in waits:
            waits[row.timezone] = _for_now(campaign, row.timezone, now=now)
        refusal = _for_good(campaign, row, here) or waits[row.timezone]
        if refusal:
            found[row.pk] = refusal
        else:
            here[row.customer_id] += 1
    return found


def end_of_quiet(
    zone_name: str, *, quiet_from: time, quiet_until: time, now: datetime
) -> datetime | None:
    """Return when the quiet hours around `now` end in this zone, or None outside them.

    The end is a wall clock's, so it is right on the days on which clocks are changed.
    """
    here = now.astimezone(_zone(zone_name))
    clock = here.time().replace(tzinfo=None)
    if quiet_from <= quiet_until:
        is_quiet = quiet_from <= clock < quiet_until
    else:  # over midnight
        is_quiet = clock >= quiet_from or clock < quiet_until
    if not is_quiet:
        return None
    day = here.date() + timedelta(days=1 if clock >= quiet_until else 0)
    end = datetime.combine(day, quiet_until, tzinfo=here.tzinfo).astimezone(UTC)
    return max(end, now + timedelta(minutes=1))


def _for_good(campaign: Campaign, row: Asked, here: Counter[int]) -> Refusal | None:
    if row.merged_into is not None:
        return Refusal("merged")
    if not row.is_granted:
        return Refusal("no_consent")
    if row.is_suppressed:
        return Refusal("suppressed")
    if row.control_group and controls.holds(
        row.control_group, float(row.control_share or 0), row.customer_id
    ):
        return Refusal("control_group")
    cap = campaign.cap_messages
    if cap is not None and row.received + here[row.customer_id] >= cap:
        return Refusal("frequency_cap")
    return None


def _for_now(campaign: Campaign, zone_name: str, *, now: datetime) -> Refusal | None:
    if campaign.quiet_from is None or campaign.quiet_until is None:
        return None
    until = end_of_quiet(
        zone_name, quiet_from=campaign.quiet_from, quiet_until=campaign.quiet_until, now=now
    )
    return Refusal("quiet_hours", until) if until else None


def _received(campaign: Campaign, *, now: datetime) -> Combinable:
    """Messages the customer got, or is getting, by this channel within the cap's time."""
    if campaign.cap_messages is None:
        return Value(0)
    since = now - timedelta(days=campaign.cap_days)
    went = Q(attempted_at__gt=since) & ~Q(
        status__in=[Delivery.Status.FAILED, Delivery.Status.QUEUED, Delivery.Status.SKIPPED]
    )
    going = Q(status=Delivery.Status.QUEUED, claimed_until__gt=Now())
    others = Delivery.objects.filter(
        went | going, channel=campaign.channel, customer=OuterRef("customer_id")
    ).exclude(pk=OuterRef("pk"))
    counted = others.order_by().values("customer").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
