"""Who comes into a journey: filtered, held out or let in, once for each reason to enter.

The constraints of `Passage` keep the promises; what is asked beforehand only spares the attempt.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max

from campaigns.journeys import chances
from campaigns.journeys.running import Running
from campaigns.models import Journey, Passage, PassageStep
from crm import segments
from crm.models import Customer

State = Passage.State


class NotLive(Exception):
    """Only a live journey lets people in."""


class UnknownCustomer(Exception):
    """There is no such customer, or no more: they were merged into another."""


@dataclass(frozen=True)
class Reason:
    """Why somebody enters: the key is what must not let them in twice."""

    key: str
    at: datetime
    detail: Mapping[str, Any]


@transaction.atomic
def enter(running: Running, reasons: Mapping[int, Reason], *, now: datetime) -> int:
    """Let customers in who may enter now; return how many came or were held out.

    `reasons`: by the id of the customer. A fixed number of queries, however many they are.
    """
    welcome = _filtered(running, reasons.keys(), now=now)
    numbers = _numbers(running.journey, welcome, now=now)
    passages = [
        _passage(running, customer_id, reasons[customer_id], number, now=now)
        for customer_id, number in sorted(numbers.items())
    ]
    if not passages:
        return 0
    Passage.objects.bulk_create(passages, ignore_conflicts=True)
    return _tell_why(running, reasons, numbers, now=now)


def enter_by_request(running: Running, customer: Customer, key: str, *, now: datetime) -> bool:
    """An outside system lets somebody in. The same key again changes nothing."""
    if running.journey.state != Journey.State.LIVE:
        raise NotLive(f"The journey “{running.journey}” is not live.")
    if customer.merged_into_id is not None:
        raise UnknownCustomer(f"{customer} was merged into another customer.")
    reason = Reason(f"api:{key}"[:100], now, {"trigger": "api"})
    return bool(enter(running, {customer.pk: reason}, now=now))


def _filtered(running: Running, customer_ids: Collection[int], *, now: datetime) -> set[int]:
    """Those whom the rule of the entry describes, and who are still somebody."""
    rule = running.graph.entry.data.get("rule")
    among = sorted(customer_ids)
    if rule:
        found = segments.matching(rule, now=now, among=among)
    else:
        found = Customer.objects.active().filter(pk__in=among)
    return set(found.values_list("pk", flat=True))


def _numbers(journey: Journey, customer_ids: Collection[int], *, now: datetime) -> dict[int, int]:
    """Which passage of theirs it would be, of those who may enter (again)."""
    known = Passage.objects.filter(journey=journey, customer__in=customer_ids)
    before = {
        row["customer"]: row
        for row in known.values("customer").annotate(last=Max("number"), at=Max("entered_at"))
    }
    inside = set(known.walking().values_list("customer", flat=True)) if before else set()
    numbers = {}
    for customer_id in customer_ids:
        was = before.get(customer_id)
        if was is None:
            numbers[customer_id] = 0
        elif customer_id not in inside and _may_return(journey, was["at"], now=now):
            numbers[customer_id] = was["last"] + 1
    return numbers


def _may_return(journey: Journey, entered_at: datetime, *, now: datetime) -> bool:
    if journey.again == Journey.Again.DAYS:
        return now >= entered_at + timedelta(days=journey.again_days)
    return journey.again == Journey.Again.AFTER


def _passage(
    running: Running, customer_id: int, reason: Reason, number: int, *, now: datetime
) -> Passage:
    journey = running.journey
    out = chances.is_held_out(journey.pk, customer_id, share=float(journey.holdout_share))
    return Passage(
        journey=journey,
        version=running.version,
        customer_id=customer_id,
        number=number,
        key=reason.key,
        state=State.HELD_OUT if out else State.WALKING,
        node=running.graph.entry.id,
        since=now,
        due_at=None if out else now,
        steps_taken=1,
        entered_at=min(reason.at, now),  # what they did since the event counts
        left_at=now if out else None,
    )


def _tell_why(
    running: Running,
    reasons: Mapping[int, Reason],
    numbers: Mapping[int, int],
    *,
    now: datetime,
) -> int:
    """The first step of those who came by this, and not by somebody who was faster."""
    found = Passage.objects.filter(journey=running.journey, customer__in=numbers)
    came = [
        PassageStep(
            passage_id=pk,
            position=0,
            node=running.graph.entry.id,
            what=state if state == State.HELD_OUT else "entered",
            detail=dict(reasons[customer_id].detail),
            at=now,
        )
        for pk, customer_id, number, key, state in found.values_list(
            "pk", "customer_id", "number", "key", "state"
        )
        if numbers[customer_id] == number and reasons[customer_id].key == key
    ]
    PassageStep.objects.bulk_create(came, ignore_conflicts=True)
    return len(came)
