"""Tables of the campaigns: what is said, to whom, and what became of it."""

from campaigns.models.campaigns import Assignment, Campaign, Variant
from campaigns.models.content import Coupon, Template
from campaigns.models.deliveries import Delivery, LinkTarget, Touch

__all__ = [
    "Assignment",
    "Campaign",
    "Coupon",
    "Delivery",
    "LinkTarget",
    "Template",
    "Touch",
    "Variant",
]
