"""Staff pages of the CRM. Trails are read-only here."""

from crm.admin.customers import CustomerAdmin
from crm.admin.identity import DuplicatePairAdmin
from crm.admin.imports import ImportAdmin
from crm.admin.learning import ArtifactAdmin
from crm.admin.opinions import AspectAdmin, InterestAdmin, OpinionAdmin
from crm.admin.partners import PartnerAdmin, PartnerKeyAdmin
from crm.admin.segments import SegmentAdmin
from crm.admin.shop import OrderAdmin, ProductAdmin
from crm.admin.trails import EventAdmin, SourceAdmin
from crm.admin.webhooks import WebhookAdmin, WebhookMessageAdmin

__all__ = [
    "ArtifactAdmin",
    "AspectAdmin",
    "CustomerAdmin",
    "DuplicatePairAdmin",
    "EventAdmin",
    "ImportAdmin",
    "InterestAdmin",
    "OpinionAdmin",
    "OrderAdmin",
    "PartnerAdmin",
    "PartnerKeyAdmin",
    "ProductAdmin",
    "SegmentAdmin",
    "SourceAdmin",
    "WebhookAdmin",
    "WebhookMessageAdmin",
]
