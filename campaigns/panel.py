"""The campaigns' part of the customer page: what we wrote to this person, and why."""

from typing import Any

from campaigns.models import Assignment, Coupon, Delivery
from crm.models import Customer

NEWEST = 10


def build(customer: Customer) -> dict[str, Any]:
    """Three queries, whatever the size."""
    deliveries = Delivery.objects.filter(customer=customer).select_related(
        "campaign__segment", "campaign__topic", "variant"
    )
    held_out = Assignment.objects.filter(customer=customer, variant=None).select_related(
        "campaign__segment"
    )
    coupons = Coupon.objects.filter(customer=customer).order_by("-valid_to")
    return {
        "deliveries": deliveries.order_by("-queued_at", "-pk")[:NEWEST],
        "held_out": held_out.order_by("-assigned_at", "-pk")[:NEWEST],
        "coupons": coupons[:NEWEST],
    }
