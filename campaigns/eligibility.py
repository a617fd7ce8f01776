"""May this message go out now? Every rule asked of a whole batch at once.

Asked when messages are claimed, not when they are queued: a customer may say no in between.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.db.models.functions import Now

from campaigns.models import Campaign, Delivery
from crm import consent
from crm.models import Customer


@dataclass(frozen=True)
class Refusal:
    """Why not: for good, or (with `until`) only for now."""

    reason: str
    until: datetime | None = None


def refusals(
    campaign: Campaign, deliveries: Sequence[Delivery], *, now: datetime
) -> dict[int, Refusal]:
    """Return the refused deliveries of one campaign by id. A fixed number of queries.

    Rules in order; the first that is broken is the one that is told.
    """
    customers = Customer.objects.filter(pk__in={d.customer_id for d in deliveries})
    granted = set(
        consent.consenting(customers, channel=campaign.channel, topic=campaign.topic).values_list(
            "pk", flat=True
        )
    )
    suppressed = consent.suppressed(
        channel=campaign.channel, addresses=[d.address for d in deliveries]
    )
    received = _received(campaign, deliveries, now=now)
    found = {}
    for delivery in deliveries:
        refusal = _for_good(campaign, delivery, granted, suppressed, received) or _for_now(
            campaign, delivery.customer, now=now
        )
        if refusal:
            found[delivery.pk] = refusal
        else:
            received[delivery.customer_id] += 1
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


def _for_good(
    campaign: Campaign,
    delivery: Delivery,
    granted: set[int],
    suppressed: set[str],
    received: Counter[int],
) -> Refusal | None:
    if delivery.customer.merged_into_id is not None:
        return Refusal("merged")
    if delivery.customer_id not in granted:
        return Refusal("no_consent")
    if delivery.address.lower() in suppressed:
        return Refusal("suppressed")
    cap = campaign.cap_messages
    if cap is not None and received[delivery.customer_id] >= cap:
        return Refusal("frequency_cap")
    return None


def _for_now(campaign: Campaign, customer: Customer, *, now: datetime) -> Refusal | None:
    if campaign.quiet_from is None or campaign.quiet_until is None:
        return None
    until = end_of_quiet(
        customer.timezone,
        quiet_from=campaign.quiet_from,
        quiet_until=campaign.quiet_until,
        now=now,
    )
    return Refusal("quiet_hours", until) if until else None


def _received(campaign: Campaign, deliveries: Sequence[Delivery], *, now: datetime) -> Counter[int]:
    """Messages each customer got, or is getting, by this channel within the cap's time."""
    if campaign.cap_messages is None:
        return Counter()
    since = now - timedelta(days=campaign.cap_days)
    went = Q(attempted_at__gt=since) & ~Q(
        status__in=[Delivery.Status.FAILED, Delivery.Status.QUEUED]
    )
    going = Q(status=Delivery.Status.QUEUED, claimed_until__gt=Now())
    others = Delivery.objects.filter(went | going, channel=campaign.channel)
    others = others.filter(customer__in={d.customer_id for d in deliveries})
    others = others.exclude(pk__in=[d.pk for d in deliveries])
    return Counter(others.values_list("customer_id", flat=True))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
