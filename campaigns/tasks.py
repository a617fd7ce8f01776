"""Celery only wakes the sender: whatever a task forgets, the sweeper finds in the tables."""

import logging
import os
import secrets
import socket

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from campaigns import (
    claiming,
    controls,
    coupons,
    decisions,
    freezing,
    lifecycle,
    pipeline,
    preparing,
    sending,
    smtp,
)
from campaigns.decisions import messages
from campaigns.journeys import clockwork, engine, hearing, versions, watching
from campaigns.models import Campaign, Journey
from crm.models import Event, Order

logger = logging.getLogger(__name__)


@shared_task
def start_campaign(*, campaign_id: int) -> int:
    """Prepare messages and send them, block by block."""
    freezing.freeze(campaign_id)
    return _send_all(campaign_id)


@shared_task
def send_due() -> int:
    """Send what is due of every campaign."""
    campaigns = list(Campaign.objects.sending().order_by("started_at", "pk"))
    return sum(_send_all(campaign.pk) for campaign in campaigns)


@shared_task
def sweep() -> int:
    """Find what nobody is looking after: lapsed claims, waiting starts, due and done campaigns."""
    now = timezone.now()
    settled = claiming.settle_abandoned(now=now) + claiming.settle_lapsed(now=now)
    settled += lifecycle.skip_cancelled()
    lifecycle.start_scheduled(now=now)
    for campaign in Campaign.objects.materialising():
        start_campaign.delay(campaign_id=campaign.pk)
    is_waiting = sending.anything_due(now=now) or Campaign.objects.sending().unprepared().exists()
    if is_waiting and not sending.is_at_work():
        send_due.delay()
    while sending.tell(now=now):
        continue
    for campaign in Campaign.objects.broadcasts().sending():
        lifecycle.finish_if_done(campaign.pk, now=now)
    return settled


@shared_task(autoretry_for=(OperationalError,), max_retries=5, retry_backoff=True)
def hear(*, event_ids: list[int]) -> int:
    """Events came that journeys wait for; who came in is moved on at once."""
    came = hearing.hear(event_ids, now=timezone.now())
    engine.advance_all(now=timezone.now())
    return came


@shared_task
def walk() -> int:
    """Move on whoever is due in a journey."""
    now = timezone.now()
    for journey in Journey.objects.live().select_related("version"):
        versions.carry_over(journey, now=now)
    return engine.advance_all(now=now)


@shared_task
def let_in_by_the_clock() -> int:
    came = clockwork.let_in(now=timezone.now())
    engine.advance_all(now=timezone.now())
    return came


@shared_task
def watch_products() -> int:
    return watching.watch(now=timezone.now())


@shared_task
def reward_order(*, event_id: int) -> int:
    """An order came in: the decisions before it are rewarded; return how many."""
    event = Event.objects.filter(pk=event_id).first()
    order = Order.objects.filter(pk=event.data.get("order_id")).first() if event else None
    return decisions.credit_order(order, now=timezone.now()) if order else 0


@shared_task
def redeem_coupon(*, event_id: int) -> bool:
    """An order came in: whether a coupon was used for it."""
    event = Event.objects.select_related("customer").filter(pk=event_id).first()
    if event is None or not event.data.get("coupon"):
        return False
    used = coupons.redeem(
        event.data["coupon"], event.customer, order=event.data["number"], at=event.happened_at
    )
    return used is not None


@shared_task
def reward_message(*, event_id: int) -> int:
    """A message was clicked, or its reader left: the decisions in it are rewarded."""
    event = Event.objects.filter(pk=event_id).first()
    return messages.credit(event) if event else 0


@shared_task
def look_after_trials() -> int:
    """A policy on trial that is surely worse goes back by itself."""
    from campaigns.decisions import approving  # numeric libraries

    return approving.look_after_trials(now=timezone.now())


def _send_all(campaign_id: int) -> int:
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[-64:]
    total = 0
    while campaign := _still_sending(campaign_id):
        try:
            done = _send_some(campaign, owner=owner)
        except smtp.NoServer as failure:
            logger.warning("%s; the next sweep tries again", failure)
            break
        prepared = preparing.prepare(campaign_id, now=timezone.now()) if campaign.unprepared else 0
        if not (done or prepared):
            lifecycle.finish_if_done(campaign_id, now=timezone.now())
            break
        total += done
    return total


def _send_some(campaign: Campaign, *, owner: str) -> int:
    if pipeline.fits(campaign):
        return pipeline.send(campaign, owner=owner, clock=timezone.now)
    return sending.send_batch(campaign, owner=owner, now=timezone.now()).claimed


def _still_sending(campaign_id: int) -> Campaign | None:
    return (
        Campaign.objects.sending().select_related("topic", "segment").filter(pk=campaign_id).first()
    )


@shared_task
def measure_control() -> int:
    """Compare those to whom no campaign writes with everybody else; once a day."""
    return controls.measure_running(now=timezone.now())
