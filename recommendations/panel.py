"""Recommendations on the customer page: what we would show now, and what the reasons are."""

from typing import Any

from django.utils import timezone
from django.utils.translation import get_language

from crm.models import Customer
from recommendations import places, serving
from recommendations.models import Impression

SHOWN = 6
NEWEST = 5


def build(customer: Customer) -> dict[str, Any]:
    """At most fifteen queries, whatever the size."""
    language = get_language() or "en"
    lines = serving.recommend(customer, n=SHOWN, now=timezone.now())
    clicks = Impression.objects.filter(customer=customer).exclude(clicked_at=None)
    return {
        "lines": [{"line": line, "reason": line.reason(language)} for line in lines],
        "artifact": lines[0].artifact if lines else "",
        "clicks": [
            {"click": click, "place": places.name_of(click.placement)}
            for click in clicks.select_related("product").order_by("-clicked_at")[:NEWEST]
        ],
    }
