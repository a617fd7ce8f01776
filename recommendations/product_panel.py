"""Recommendations around one product: what is like it, what is bought with it, who clicked it."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import get_language

from crm.models import Product
from recommendations import serving
from recommendations.models import Impression
from recommendations.recommended import Recommended

SHOWN = 6
NEWEST = 8
WINDOW = timedelta(days=28)


def build(product: Product, now: datetime | None = None) -> dict[str, Any]:
    """At most eleven queries, whatever the size."""
    now = now or timezone.now()
    impressions = Impression.objects.filter(product=product, shown_at__lte=now)
    recent = impressions.filter(shown_at__gt=now - WINDOW)
    clicks = impressions.exclude(clicked_at=None).select_related("customer")
    return {
        "subject": product,
        "similar": _said(serving.similar(product, n=SHOWN, now=now)),
        "together": _said(serving.bought_together(product, n=SHOWN, now=now)),
        "placements": list(
            recent.values("placement")
            .annotate(shown=Count("pk"), clicked=Count("clicked_at"))
            .order_by("-shown", "placement")
        ),
        "people": recent.aggregate(count=Count("customer", distinct=True))["count"],
        "clicks": list(clicks.order_by("-clicked_at", "-pk")[:NEWEST]),
        "days": WINDOW.days,
    }


def _said(lines: list[Recommended]) -> list[dict[str, Any]]:
    language = get_language() or "en"
    return [{"line": line, "reason": line.reason(language)} for line in lines]
