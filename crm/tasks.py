from celery import shared_task
from django.utils import timezone

from crm import outbox, segments
from crm.models import Event


@shared_task
def dispatch_events() -> int:
    handed = total = outbox.dispatch(now=timezone.now())
    while handed:
        handed = outbox.dispatch(now=timezone.now())
        total += handed
    return total


@shared_task
def refresh_segments() -> None:
    segments.refresh_all(now=timezone.now())


@shared_task
def refresh_customer(*, event_id: int) -> None:
    """Something happened to a customer: see whether they enter or leave a segment."""
    event = Event.objects.filter(pk=event_id).first()
    if event is not None:
        segments.refresh_customer(event.customer_id, now=timezone.now())
