"""Orders that come in as events, and the rules of the shop about changing one."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from crm import timeline
from crm.events import OrderPlaced, OrderRefunded
from crm.models import CartItem, Customer, Order, OrderLine, Product
from crm.segments import touches


class UnusableOrder(Exception):
    """The event does not describe an order; the message names the field."""


@transaction.atomic
def complete(customer: Customer, data: dict[str, Any], *, source: str, at: datetime) -> Order:
    """Create the order that an "Order Completed" event tells of. The same number twice is one.

    Products that we do not know are listed under the sender's id, not for sale.
    Raises UnusableOrder when there is no number, no product or no usable price.
    """
    number = str(data.get("order_id") or data.get("orderId") or "").strip()[:64]
    if not number:
        raise UnusableOrder("order_id is missing")
    lines = _lines(data)
    total = sum((quantity * price for _, quantity, price in lines), Decimal(0))
    order, is_new = Order.objects.get_or_create(
        number=number,
        defaults={
            "customer": customer,
            "total": _money(data.get("total"), "total") if data.get("total") else total,
            "currency": str(data.get("currency") or "CNY")[:3].upper(),
            "placed_at": at,
            "source": source,
        },
    )
    if order.customer_id != customer.pk:
        raise UnusableOrder(f"order_id: {number} belongs to another customer")
    if not is_new:
        return order
    for position, (product, quantity, price) in enumerate(lines):
        OrderLine.objects.create(
            order=order, product=product, quantity=quantity, unit_price=price, key=str(position)
        )
    touches.touch([customer.pk], "orders")
    fact = OrderPlaced(
        order_id=order.pk,
        number=order.number,
        total=str(order.total),
        skus=tuple(product.sku for product, _, _ in lines),
        coupon=str(data.get("coupon") or "").strip()[:64],
    )
    timeline.record(customer, fact, at=at, key=str(order.pk))
    return order


@transaction.atomic
def refund(customer: Customer, data: dict[str, Any], *, source: str, at: datetime) -> Order:
    """Write the refund of an order as an order of its own with a negative total."""
    number = str(data.get("order_id") or data.get("orderId") or "").strip()[:60]
    order = Order.objects.filter(number=number, customer=customer, is_refund=False).first()
    if order is None:
        raise UnusableOrder(f"order_id: {number or 'missing'} is no order of this customer")
    amount = _money(data.get("total"), "total") if data.get("total") else order.total
    refund, is_new = Order.objects.get_or_create(
        number=f"R-{number}",
        defaults={
            "customer": customer,
            "total": -amount,
            "currency": order.currency,
            "status": Order.Status.REFUNDED,
            "is_refund": True,
            "placed_at": at,
            "source": source,
        },
    )
    if is_new:
        touches.touch([customer.pk], "orders")
        fact = OrderRefunded(order_id=order.pk, number=number, total=str(amount))
        timeline.record(customer, fact, at=at, key=str(refund.pk))
    return refund


@transaction.atomic
def check_out(customer: Customer, *, number: str, at: datetime) -> Order | None:
    """Turn the cart into an order; None when the cart is empty."""
    items = list(CartItem.objects.select_for_update().filter(customer=customer))
    if not items:
        return None
    products = Product.objects.in_bulk([item.product_id for item in items])
    data = {
        "order_id": number,
        "currency": products[items[0].product_id].currency,
        "products": [
            {
                "sku": products[item.product_id].sku,
                "quantity": item.quantity,
                "price": str(products[item.product_id].price),
            }
            for item in items
        ],
    }
    order = complete(customer, data, source="shop", at=at)
    CartItem.objects.filter(pk__in=[item.pk for item in items]).delete()
    return order


def _lines(data: dict[str, Any]) -> list[tuple[Product, int, Decimal]]:
    raw = data.get("products")
    if not isinstance(raw, list) or not raw:
        raise UnusableOrder("products is missing or empty")
    return [_line(item, index) for index, item in enumerate(raw[:500])]


def _line(item: Any, index: int) -> tuple[Product, int, Decimal]:
    where = f"products[{index}]"
    if not isinstance(item, dict):
        raise UnusableOrder(f"{where} is not a JSON object")
    sku = str(item.get("sku") or item.get("product_id") or "").strip()[:64]
    if not sku:
        raise UnusableOrder(f"{where}.sku is missing")
    price = _money(item.get("price", 0), f"{where}.price")
    try:
        quantity = int(item.get("quantity", 1))
    except (TypeError, ValueError):
        raise UnusableOrder(f"{where}.quantity is not a whole number") from None
    if not 0 < quantity <= 100_000:
        raise UnusableOrder(f"{where}.quantity {quantity} is not between 1 and 100000")
    product, _ = Product.objects.get_or_create(
        sku=sku,
        defaults={
            "title_en": str(item.get("name") or sku)[:200],
            "price": price,
            "is_active": False,
        },
    )
    return product, quantity, price


def _money(value: Any, field: str) -> Decimal:
    try:
        amount = Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise UnusableOrder(f"{field}: {value!r} is not an amount") from None
    if not 0 <= amount < Decimal(10) ** 10:
        raise UnusableOrder(f"{field}: {amount} is out of range")
    return amount
