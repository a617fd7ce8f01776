"""The campaigns' part of the pages of a customer and of a segment: what we wrote, and to whom."""

from typing import Any

from django.urls import reverse

from campaigns.decisions import pages
from campaigns.models import Assignment, Campaign, Coupon, Decision, Delivery
from crm.models import Customer, Segment
from crm.segment_page import Use

NEWEST = 10


def build(customer: Customer) -> dict[str, Any]:
    """Four queries, whatever the size."""
    deliveries = Delivery.objects.filter(customer=customer).select_related(
        "campaign__segment", "campaign__topic", "campaign__journey", "variant"
    )
    held_out = Assignment.objects.filter(customer=customer, variant=None).select_related(
        "campaign__segment"
    )
    coupons = Coupon.objects.filter(customer=customer).order_by("-valid_to")
    return {
        "deliveries": deliveries.order_by("-queued_at", "-pk")[:NEWEST],
        "held_out": held_out.order_by("-assigned_at", "-pk")[:NEWEST],
        "coupons": coupons[:NEWEST],
        "decisions": _decisions(customer),
    }


def _decisions(customer: Customer) -> list[tuple[Decision, str]]:
    """The newest, each with why, in the reader's language."""
    rows = Decision.objects.filter(customer=customer).select_related("placement", "catalogue")
    return [(row, pages.decision(row)["words"]) for row in rows.order_by("-decided_at")[:5]]


def of_segment(segment: Segment) -> list[Use]:
    """The newest campaigns to a segment. One query."""
    newest = Campaign.objects.filter(segment=segment).order_by("-pk")[:NEWEST]
    return [
        Use(c.name, c.get_status_display(), reverse("admin:campaigns_campaign_change", args=[c.pk]))
        for c in newest
    ]
