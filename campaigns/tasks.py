"""Celery only wakes the sender: whatever a task forgets, the sweeper finds in the tables."""

import os
import secrets
import socket

from celery import shared_task
from django.utils import timezone

from campaigns import audiences, claiming, lifecycle, sending
from campaigns.models import Campaign


@shared_task
def start_campaign(*, campaign_id: int) -> int:
    """Choose the audience, where that is still to be done, and send."""
    audiences.materialise(campaign_id, now=timezone.now())
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
    settled = claiming.settle_lapsed(now=now) + lifecycle.skip_cancelled()
    lifecycle.start_scheduled(now=now)
    for campaign in Campaign.objects.materialising():
        start_campaign.delay(campaign_id=campaign.pk)
    if sending.anything_due(now=now) and not sending.is_at_work():
        send_due.delay()
    while sending.tell(now=now):
        continue
    for campaign in Campaign.objects.sending():
        lifecycle.finish_if_done(campaign.pk, now=now)
    return settled


def _send_all(campaign_id: int) -> int:
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[-64:]
    total = 0
    while campaign := _still_sending(campaign_id):
        sent = sending.send_batch(campaign, owner=owner, now=timezone.now())
        if not sent.claimed:
            lifecycle.finish_if_done(campaign_id, now=timezone.now())
            break
        total += sent.claimed
    return total


def _still_sending(campaign_id: int) -> Campaign | None:
    return (
        Campaign.objects.sending().select_related("topic", "segment").filter(pk=campaign_id).first()
    )
