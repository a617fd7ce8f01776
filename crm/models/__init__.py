"""Tables of the CRM. Whatever the system knows about a customer starts here."""

from crm.models.activity import DeadLetter, Event, Feedback, Source
from crm.models.artifacts import Artifact
from crm.models.catalogue import Brand, Category, Product
from crm.models.consent import Channel, Consent, ConsentChange, Suppression, Topic
from crm.models.customers import Customer, Identity, Merge
from crm.models.orders import CartItem, Order, OrderLine
from crm.models.segments import Membership, Score, Segment

__all__ = [
    "Artifact",
    "Brand",
    "CartItem",
    "Category",
    "Channel",
    "Consent",
    "ConsentChange",
    "Customer",
    "DeadLetter",
    "Event",
    "Feedback",
    "Identity",
    "Membership",
    "Merge",
    "Order",
    "OrderLine",
    "Product",
    "Score",
    "Segment",
    "Source",
    "Suppression",
    "Topic",
]
