"""The CRM's own panels of the customer page: who they are, what they did, what we think of it."""

from typing import Any

from django.db.models import Case, DecimalField, F, OuterRef, Subquery, Sum, When, Window
from django.db.models.fields.json import KT
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from crm import scores, timeline
from crm.models import Customer, Event, Order, Product

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
    """Identifiers, money, scores, segments and consents. Five queries."""
    orders = _orders(customer)
    return {
        "figures": orders[0] if orders else None,
        "currency": orders[0].currency if orders else "CNY",
        "orders": orders,
        "identities": list(customer.identities.order_by("kind")[:20]),
        "scores": scores.of_customer(customer),
        "memberships": list(customer.memberships.select_related("segment").order_by("pk")[:30]),
        "consents": list(
            customer.consents.select_related("topic").order_by("channel", "topic")[:30]
        ),
    }


def _orders(customer: Customer) -> list[Order]:
    """The newest orders; each carries the figures over all of them, so that one query does."""
    money = Case(
        When(status__in=Order.NOT_PAID, then=0),
        default=F("total"),
        output_field=DecimalField(max_digits=14, decimal_places=2),
    )
    sales = Case(When(is_refund=False, then=1), default=0)
    figures = customer.orders.annotate(revenue=Window(Sum(money)), sales=Window(Sum(sales)))
    return list(figures.order_by("-placed_at", "-pk")[:8])


def activity(customer: Customer) -> dict[str, Any]:
    """The timeline, newest first, each event in words."""
    product = Product.objects.filter(sku=OuterRef("sku"))
    events = timeline.history(customer, limit=NEWEST).annotate(
        sku=KT("data__sku"),
        product_en=Subquery(product.values("title_en")[:1]),
        product_zh=Subquery(product.values("title_zh")[:1]),
    )
    return {"events": [{"event": event, **in_words(event)} for event in events]}


def in_words(event: Event) -> dict[str, str]:
    """What one event says, for a reader: an icon, a title and a detail."""
    icon, title = KINDS.get(event.kind, ("bolt", ""))
    data = event.data
    chinese = (get_language() or "").startswith("zh")
    product = getattr(event, "product_zh" if chinese else "product_en", "") or data.get("sku")
    detail = product or data.get("number") or data.get("intent") or ""
    return {
        "icon": icon,
        "title": _(title) if title else (event.name or event.kind),
        "detail": str(detail),
    }
