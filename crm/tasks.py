from celery import shared_task
from django.utils import timezone

from crm import outbox


@shared_task
def dispatch_events() -> int:
    handed = total = outbox.dispatch(now=timezone.now())
    while handed:
        handed = outbox.dispatch(now=timezone.now())
        total += handed
    return total
