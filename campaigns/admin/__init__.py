"""Staff pages of the campaigns. Trails are read-only here."""

from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.content import CouponAdmin, TemplateAdmin
from campaigns.admin.controls import ControlGroupAdmin
from campaigns.admin.decisions import ActionAdmin, DecisionAdmin, PlacementAdmin, VetoAdmin
from campaigns.admin.journeys import JourneyAdmin
from campaigns.admin.stafftasks import StaffTaskAdmin
from campaigns.admin.trails import AssignmentAdmin, DeliveryAdmin, ProviderReportAdmin

__all__ = [
    "ActionAdmin",
    "AssignmentAdmin",
    "CampaignAdmin",
    "ControlGroupAdmin",
    "CouponAdmin",
    "DecisionAdmin",
    "DeliveryAdmin",
    "JourneyAdmin",
    "PlacementAdmin",
    "ProviderReportAdmin",
    "StaffTaskAdmin",
    "TemplateAdmin",
    "VetoAdmin",
]
