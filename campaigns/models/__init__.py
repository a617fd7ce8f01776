"""Tables of the campaigns: what is said, to whom, and what became of it."""

from campaigns.models.campaigns import Assignment, Campaign, Variant
from campaigns.models.content import Coupon, Template
from campaigns.models.deliveries import Delivery, LinkTarget, Touch
from campaigns.models.journeys import (
    Journey,
    JourneyVersion,
    Passage,
    PassageStep,
    ProductWatch,
)

__all__ = [
    "Assignment",
    "Campaign",
    "Coupon",
    "Delivery",
    "Journey",
    "JourneyVersion",
    "LinkTarget",
    "Passage",
    "PassageStep",
    "ProductWatch",
    "Template",
    "Touch",
    "Variant",
]
