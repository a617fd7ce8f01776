"""Tables of the CRM. Whatever the system knows about a customer starts here."""

from crm.models.activity import DeadLetter, Event, Feedback, Source
from crm.models.artifacts import Artifact
from crm.models.catalogue import Brand, Category, Product
from crm.models.consent import Channel, Consent, ConsentChange, Suppression, Topic
from crm.models.customers import Customer, Identity
from crm.models.identity import DuplicatePair, Evidence, Merge
from crm.models.imports import Import, RejectedRow
from crm.models.opinions import Aspect, Feeling, Interest, Mention, Opinion
from crm.models.orders import CartItem, Order, OrderLine
from crm.models.partners import Partner, PartnerKey, Scope
from crm.models.purchases import CutPoints, PurchaseChange, PurchaseSummary
from crm.models.segments import Membership, Score, Segment, SegmentSize, Touch
from crm.models.webhooks import ApiAnswer, Webhook, WebhookMessage

__all__ = [
    "ApiAnswer",
    "Artifact",
    "Aspect",
    "Brand",
    "CartItem",
    "Category",
    "Channel",
    "Consent",
    "ConsentChange",
    "Customer",
    "CutPoints",
    "DeadLetter",
    "DuplicatePair",
    "Event",
    "Evidence",
    "Feedback",
    "Feeling",
    "Identity",
    "Import",
    "Interest",
    "Membership",
    "Mention",
    "Merge",
    "Opinion",
    "Order",
    "OrderLine",
    "Partner",
    "PartnerKey",
    "Product",
    "PurchaseChange",
    "PurchaseSummary",
    "RejectedRow",
    "Scope",
    "Score",
    "Segment",
    "SegmentSize",
    "Source",
    "Suppression",
    "Topic",
    "Touch",
    "Webhook",
    "WebhookMessage",
]
