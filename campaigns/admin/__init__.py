"""Staff pages of the campaigns. Trails are read-only here."""

from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.content import CouponAdmin, TemplateAdmin
from campaigns.admin.journeys import JourneyAdmin
from campaigns.admin.trails import AssignmentAdmin, DeliveryAdmin, ProviderReportAdmin

__all__ = [
    "AssignmentAdmin",
    "CampaignAdmin",
    "CouponAdmin",
    "DeliveryAdmin",
    "JourneyAdmin",
    "ProviderReportAdmin",
    "TemplateAdmin",
]
