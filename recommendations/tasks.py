from celery import shared_task
from django.utils import timezone

from recommendations import looks, retraining


@shared_task
def retrain_after_news() -> str:
    """Enough has happened since the last training: learn anew. Twice is once."""
    report = retraining.after_news(now=timezone.now())
    return str(report["reason"]) if report else ""


@shared_task
def look_at_pictures() -> int:
    """Describe pictures that are new or others than before. Twice is once."""
    return looks.refresh(now=timezone.now())
