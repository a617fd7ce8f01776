"""The head of the customer page: who they are, what they spent, what we think of it."""

from typing import Any

from django.db.models import Case, DecimalField, F, Sum, When, Window

from crm import scores
from crm.models import Customer, Order


def summary(customer: Customer) -> dict[str, Any]:
    """Money, scores, segments and consents. Four queries."""
    orders = _orders(customer)
    return {
        "figures": orders[0] if orders else None,
        "currency": orders[0].currency if orders else "CNY",
        "orders": orders,
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
