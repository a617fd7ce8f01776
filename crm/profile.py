"""The head of the customer page: who they are, what they spent, what we think of it."""

from typing import Any

from django.db.models import Case, DecimalField, F, Sum, When, Window
from django.utils.translation import gettext as _

from crm import scores
from crm.models import Customer, Identity, Order

MOST_TRAITS = 20


def summary(customer: Customer) -> dict[str, Any]:
    """Money, scores, traits, segments and consents. Five queries."""
    orders = _orders(customer)
    return {
        "figures": orders[0] if orders else None,
        "currency": orders[0].currency if orders else "CNY",
        "orders": orders,
        "last_order": next((one for one in orders if not one.is_refund), None),
        "scores": scores.of_customer(customer),
        "traits": _traits(customer),
        "user_ids": list(
            customer.identities.filter(kind=Identity.Kind.USER_ID)
            .order_by("pk")
            .values_list("value", flat=True)[:3]
        ),
        "memberships": list(customer.memberships.select_related("segment").order_by("pk")[:30]),
        "consents": list(
            customer.consents.select_related("topic").order_by("channel", "topic")[:30]
        ),
    }


def _traits(customer: Customer) -> list[tuple[str, str]]:
    """Their traits by name, a list or a document within as plain text."""
    return [
        (name, {True: _("yes"), False: _("no")}[value] if isinstance(value, bool) else str(value))
        for name, value in sorted(customer.traits.items())[:MOST_TRAITS]
        if value not in ("", None)
    ]


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
