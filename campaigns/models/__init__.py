"""Tables of the campaigns: what is said, to whom, and what became of it."""

from campaigns.models.campaigns import BY_PHONE, Assignment, AudienceBlock, Campaign, Variant
from campaigns.models.content import Template
from campaigns.models.control import ControlGroup
from campaigns.models.coupons import Coupon, CouponSeries, Redemption
from campaigns.models.decisions import Decision, Reward, Veto
from campaigns.models.deliveries import Delivery, LinkTarget, SendingAllowance, Touch
from campaigns.models.journeys import (
    Journey,
    JourneyVersion,
    Passage,
    PassageStep,
    ProductWatch,
)
from campaigns.models.placements import NOTHING, Action, Catalogue, Placement
from campaigns.models.policies import PolicyProposal
from campaigns.models.reports import ProviderReport
from campaigns.models.stafftasks import StaffTask

__all__ = [
    "BY_PHONE",
    "Action",
    "Assignment",
    "AudienceBlock",
    "Campaign",
    "Catalogue",
    "ControlGroup",
    "Coupon",
    "CouponSeries",
    "Decision",
    "Delivery",
    "Journey",
    "JourneyVersion",
    "LinkTarget",
    "NOTHING",
    "Passage",
    "PassageStep",
    "Placement",
    "PolicyProposal",
    "ProductWatch",
    "Redemption",
    "Reward",
    "ProviderReport",
    "StaffTask",
    "Template",
    "SendingAllowance",
    "Touch",
    "Variant",
    "Veto",
]
