"""The CRM's own panels of the customer page: who they are, what they did, what we think of it."""

from typing import Any

from django.db.models import Avg, Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crm import timeline
from crm.models import Customer, Event, Order

NEWEST = 40
# Marked for translation here, translated where it is read.
KINDS: dict[str, tuple[str, str]] = {
    "crm.order_placed": ("shopping_bag", gettext_noop("Placed an order")),
    "crm.order_refunded": ("undo", gettext_noop("Was refunded")),
    "crm.product_viewed": ("visibility", gettext_noop("Looked at a product")),
    "crm.product_added": ("add_shopping_cart", gettext_noop("Put a product in the cart")),
    "crm.identified": ("person", gettext_noop("Introduced themselves")),
    "crm.consent_changed": ("verified_user", gettext_noop("Changed a consent")),
    "crm.feedback_given": ("star", gettext_noop("Gave feedback")),
    "crm.page": ("web", gettext_noop("Visited a page")),
    "chatbot.message_received": ("chat", gettext_noop("Wrote in the chat")),
    "chatbot.handoff_requested": ("support_agent", gettext_noop("Asked for a person")),
    "campaigns.message_sent": ("send", gettext_noop("Was sent a message")),
    "campaigns.message_opened": ("drafts", gettext_noop("Opened a message")),
    "campaigns.message_clicked": ("ads_click", gettext_noop("Clicked in a message")),
    "campaigns.unsubscribed": ("unsubscribe", gettext_noop("Unsubscribed")),
    "recommendations.products_shown": ("recommend", gettext_noop("Was shown recommendations")),
    "recommendations.product_clicked": ("ads_click", gettext_noop("Clicked a recommendation")),
}


def summary(customer: Customer) -> dict[str, Any]:
    """Identifiers, money, scores, segments and consents."""
    figures = Order.objects.filter(customer=customer).aggregate(
        revenue=Sum("total", filter=~Q(status__in=["cancelled", "pending_payment"])),
        orders=Count("pk", filter=Q(is_refund=False)),
        basket=Avg("total", filter=Q(is_refund=False)),
    )
    orders = list(customer.orders.order_by("-placed_at")[:8])
    return {
        "figures": figures,
        "currency": orders[0].currency if orders else "CNY",
        "identities": list(customer.identities.order_by("kind")[:20]),
        "scores": {score.name: score for score in customer.scores.all()},
        "memberships": list(customer.memberships.select_related("segment").order_by("pk")[:30]),
        "consents": list(
            customer.consents.select_related("topic").order_by("channel", "topic")[:30]
        ),
        "orders": orders,
    }


def activity(customer: Customer) -> dict[str, Any]:
    """The timeline, newest first, each event in words."""
    events = timeline.history(customer, limit=NEWEST)
    return {"events": [{"event": event, **in_words(event)} for event in events]}


def in_words(event: Event) -> dict[str, str]:
    """What one event says, for a reader: an icon, a title and a detail."""
    icon, title = KINDS.get(event.kind, ("bolt", "")) if event.kind else ("bolt", "")
    detail = event.data.get("number") or event.data.get("sku") or event.data.get("intent") or ""
    if not detail and event.data.get("skus"):
        detail = ", ".join(event.data["skus"][:5])
    return {
        "icon": icon,
        "title": _(title) if title else (event.name or event.kind),
        "detail": str(detail),
    }
