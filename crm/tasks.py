import os
import secrets
import socket
import time
from datetime import timedelta

import numpy as np
from celery import shared_task
from django.utils import timezone

from crm import duplicates, interests, opinions, outbox, partitions, scores, segments
from crm.importing import running
from crm.models import Event, Webhook
from crm.rest import idempotency
from crm.webhooks import queueing, sending, steering

BUDGET = 10.0  # seconds of sending webhooks at a stretch: other tasks wait behind it


@shared_task
def dispatch_events() -> int:
    handed = total = outbox.dispatch(now=timezone.now())
    while handed:
        handed = outbox.dispatch(now=timezone.now())
        total += handed
    return total


@shared_task
def make_partitions() -> dict[str, int]:
    """The months to come, and three a night of those that lie in the default partition."""
    return partitions.make(timezone.now()) if partitions.exist() else {}


@shared_task
def refresh_segments() -> None:
    segments.refresh_all(now=timezone.now())


@shared_task
def drain_touches() -> int:
    """Something happened to customers: see which segments they enter or leave."""
    return segments.drain_all(now=timezone.now())


@shared_task
def keep_segments_up() -> int:
    return segments.keep_up(now=timezone.now())


@shared_task
def fold_rfm() -> int:
    """Orders came, changed or went: score whom they move, and let the label segments follow."""
    return scores.fold_rfm(now=timezone.now())


@shared_task
def fold_rfm_after(*, event_id: int) -> int:
    """Somebody bought or sent back: score them now, and whoever else waits with them."""
    return scores.fold_rfm(now=timezone.now())


@shared_task
def understand_opinions() -> int:
    """Take down new reviews, understand what is not, and anew what older models understood."""
    return opinions.catch_up(now=timezone.now(), most=5_000)


@shared_task
def refresh_interests() -> int:
    """Whoever did something lately; twice the interval, so that no late event is missed."""
    now = timezone.now()
    return interests.refresh_active(since=now - timedelta(minutes=10), now=now)


@shared_task
def refresh_interests_of(*, event_id: int) -> None:
    """Somebody bought: what they like is known better at once."""
    event = Event.objects.filter(pk=event_id).first()
    if event is not None:
        now = timezone.now()
        interests.refresh_customers([event.customer_id], as_of=now, now=now)


@shared_task
def understand_feedback(*, event_id: int) -> None:
    """Somebody gave feedback: read it now. The id only says that there is something new."""
    opinions.catch_up(now=timezone.now(), most=500)


@shared_task
def find_duplicates() -> int:
    return duplicates.find(now=timezone.now(), rng=np.random.default_rng(0))


@shared_task
def run_import(*, import_id: int) -> None:
    running.run(import_id, clock=timezone.now)


@shared_task
def look_after_imports() -> None:
    """Go on with imports whose worker died; forget files that nobody came back for."""
    for import_id in running.waiting(now=timezone.now()):
        running.run(import_id, clock=timezone.now)
    running.forget_old(now=timezone.now())


@shared_task
def tell_webhooks(*, event_ids: list[int]) -> int:
    """Events came that partners want to hear of."""
    return queueing.hear(event_ids, now=timezone.now())


@shared_task
def send_webhooks() -> int:
    """Send what is due; what is left after a while goes to the back of the queue of tasks."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[-64:]
    until, total = time.monotonic() + BUDGET, 0
    while sent := sending.send_due(clock=timezone.now, owner=owner):
        total += sent
        if time.monotonic() > until:
            send_webhooks.delay()
            break
    return total


@shared_task
def sweep_webhooks() -> int:
    """What a lost wake-up or a dead worker left is sent; what is long over is forgotten."""
    now = timezone.now()
    steering.forget_old(now=now)
    idempotency.forget_old(now=now)
    return send_webhooks() if sending.anything_due(now=now) else 0


@shared_task
def tell_disabled(*, webhook_id: int) -> bool:
    webhook = Webhook.objects.filter(pk=webhook_id).first()
    return webhook is not None and steering.tell_disabled(webhook)
