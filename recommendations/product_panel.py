"""Recommendations around one product: what is like it, what is bought with it, who clicked it."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from crm.models import Product
from recommendations import places, serving
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
        "looks": _said(serving.looks_like(product, n=SHOWN, now=now)),
        "placements": _placements(recent),
        "people": recent.aggregate(count=Count("customer", distinct=True))["count"],
        "clicks": [
            {"click": click, "place": places.name_of(click.placement)}
            for click in clicks.order_by("-clicked_at", "-pk")[:NEWEST]
        ],
        "days": WINDOW.days,
    }


def _placements(recent: QuerySet[Impression]) -> list[dict[str, Any]]:
    """Times shown and clicked by placement, the most shown first. One query."""
    rows = (
        recent.values_list("placement")
        .annotate(shown=Count("pk"), clicked=Count("clicked_at"))
        .order_by("-shown", "placement")
    )
    return [
        {"placement": places.name_of(name), "shown": shown, "clicked": clicked}
        for name, shown, clicked in rows
    ]


def _said(lines: list[Recommended]) -> list[dict[str, Any]]:
    language = get_language() or "en"
    return [{"line": line, "reason": line.reason(language)} for line in lines]
