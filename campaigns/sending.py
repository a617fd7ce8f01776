"""The only door out. Nothing reaches a customer unasked except through here.

A message is claimed (with consent, suppression, caps and quiet hours), rendered, marked as
begun, handed over, and marked with its end. The rows are the truth: tasks only wake this up.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from campaigns import channels, claiming, lifecycle, outcomes, rendering
from campaigns.models import Campaign, Delivery

BATCH = 100
Status = Delivery.Status


class NotUncertain(Exception):
    """Only a message whose fate is unknown can be settled by hand."""


@dataclass
class Sent:
    """What one batch came to, by status."""

    claimed: int = 0
    refused: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def send_batch(campaign: Campaign, *, owner: str, now: datetime, limit: int = BATCH) -> Sent:
    """Send what is due of a campaign, at most `limit` messages. May run in many workers."""
    claimed = claiming.claim(campaign, owner=owner, now=now, limit=limit)
    result = Sent(len(claimed.deliveries) + claimed.refused, claimed.refused)
    if not claimed.deliveries:
        return result
    channel = channels.get(campaign.channel)
    renderer = rendering.Renderer(campaign)
    renderer.prepare(claimed.deliveries, now=now)
    try:
        with channels.session_of(channel):
            for delivery in claimed.deliveries:
                outcome = _attempt(delivery, channel, renderer, owner=owner, now=now)
                result.outcomes[outcome] += 1
                if outcome == "stopped" and not _is_sending(campaign):
                    break
    finally:
        claiming.release(owner, campaign=campaign)
    tell(now=now)
    return result


def anything_due(*, now: datetime) -> bool:
    return claiming.due(now=now).filter(campaign__status=Campaign.Status.SENDING).exists()


def is_at_work() -> bool:
    """Whether some worker holds a living claim, and so will go on by itself."""
    return Delivery.objects.filter(
        status__in=[Status.QUEUED, Status.SENDING], claimed_until__gte=Now()
    ).exists()


@transaction.atomic
def tell(*, now: datetime, limit: int = 500) -> int:
    """Tell the timeline of messages that went out and that it has not heard of."""
    waiting = Delivery.objects.filter(status=Status.SENT, told_at=None).order_by("id")
    moments: dict[datetime, list[int]] = {}
    for pk, sent_at in waiting.select_for_update(skip_locked=True, of=("self",)).values_list(
        "pk", "sent_at"
    )[:limit]:
        moments.setdefault(sent_at or now, []).append(pk)
    for sent_at, delivery_ids in moments.items():
        outcomes.tell(delivery_ids, sent_at=sent_at)
    return sum(map(len, moments.values()))


def mark_sent(delivery: Delivery) -> None:
    """Settle by hand: a person knows that it arrived. Raises NotUncertain."""
    _settle(delivery, status=Status.SENT, reason="", sent_at=delivery.attempted_at)


def send_again(delivery: Delivery, *, now: datetime) -> None:
    """Settle by hand: a person accepts that it might arrive twice. Raises NotUncertain."""
    _settle(delivery, status=Status.QUEUED, reason="", due_at=now)
    lifecycle.reopen(delivery.campaign)


def _settle(delivery: Delivery, **outcome: object) -> None:
    uncertain = Delivery.objects.filter(pk=delivery.pk, status=Status.UNCERTAIN)
    if not uncertain.update(claimed_by="", claimed_until=None, **outcome):
        raise NotUncertain(f"{delivery} is not uncertain.")


def _attempt(
    delivery: claiming.Due,
    channel: channels.Channel,
    renderer: rendering.Renderer,
    *,
    owner: str,
    now: datetime,
) -> str:
    try:
        message = renderer.complete(delivery)
    except rendering.BrokenTemplate as error:
        return _fail_unbegun(delivery, str(error), owner=owner)
    if not claiming.begin(delivery, owner=owner, now=now):
        return "stopped"
    outcome = _hand_over(delivery, channel, message, now=now)
    claiming.end(delivery, owner=owner, **outcome)
    return str(outcome["status"])


def _hand_over(
    delivery: claiming.Due, channel: channels.Channel, message: rendering.Message, *, now: datetime
) -> outcomes.Outcome:
    """Hand one message over; return what to write down about it."""
    try:
        channel.deliver(
            to=delivery.address,
            subject=message.subject,
            text=message.text,
            html=message.html,
            headers=message.headers,
            message_id=delivery.message_id,
        )
    except (channels.TemporaryFailure, channels.PermanentFailure, channels.Unclear) as failure:
        is_idempotent = channels.is_idempotent(channel)
        return outcomes.failed(delivery, failure, now=now, is_idempotent=is_idempotent)
    return outcomes.sent(now)


def _fail_unbegun(delivery: claiming.Due, reason: str, *, owner: str) -> str:
    mine = Q(pk=delivery.pk, claimed_by=owner, status=Status.QUEUED)
    Delivery.objects.filter(mine).update(
        status=Status.FAILED, reason=reason[:300], claimed_by="", claimed_until=None
    )
    return str(Status.FAILED)


def _is_sending(campaign: Campaign) -> bool:
    return Campaign.objects.sending().filter(pk=campaign.pk).exists()
