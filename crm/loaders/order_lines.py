"""Write order lines from a file: customers, products and orders are made as they are met.

Shared by every format whose rows are lines of orders. A line has a key within its order,
so the same file twice creates nothing, and a line that stands twice in one file is rejected
by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import DecimalField, ExpressionWrapper, F, OuterRef, Subquery, Sum

from crm import customers, timeline
from crm.events import OrderPlaced, OrderRefunded
from crm.loading import Report
from crm.models import Customer, Order, OrderLine, Product
from crm.segments import touches


@dataclass(frozen=True, slots=True)
class Line:
    """One valid line, with everything needed to make what it belongs to."""

    number: int
    order: str
    customer: str
    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    placed_at: datetime
    country: str = ""
    status: str = Order.Status.DELIVERED
    is_refund: bool = False
    is_merchandise: bool = True

    @property
    def key(self) -> str:
        return f"{self.sku}:{self.quantity}:{self.unit_price}"[:64]


class LineWriter:
    """Writes chunks of lines. Keeps what it met in memory: ids, not rows."""

    def __init__(self, *, source: str, currency: str, now: datetime) -> None:
        self.source, self.currency, self.now = source, currency, now
        self._first_line: dict[int, int] = {}  # hash of (order, key) -> line number
        self._products = dict(Product.objects.values_list("sku", "pk"))
        self._orders: dict[str, tuple[int, int]] = {}  # number -> (order id, customer id)

    def write(self, lines: list[Line], report: Report) -> None:
        """Write one chunk in one transaction, counting each line once."""
        with transaction.atomic():
            owners = customers.resolve_user_ids(
                {line.customer for line in lines}, source=self.source, at=self.now
            )
            self._make_products(lines)
            known_orders = self._make_orders(lines, owners)
            rows, kept = self._rows(lines, owners, report)
            known = self._known_keys(known_orders)
            fresh = [row for row in rows if (row.order_id, row.key) not in known]
            OrderLine.objects.bulk_create(fresh)
            report.created += len(fresh)
            report.unchanged += len(rows) - len(fresh)
            self._total({row.order_id for row in fresh})
            touches.touch({owners[line.customer] for line in kept}, "orders")
            self._date(kept, owners)
            self._tell(kept)

    def remember(self, lines: list[Line]) -> None:
        """These lines were written before: know them again when they are repeated."""
        owners = customers.resolve_user_ids(
            {line.customer for line in lines}, source=self.source, at=self.now
        )
        numbers = {line.order for line in lines} - set(self._orders)
        self._know(numbers)
        made = [line for line in lines if line.order in self._orders]
        self._rows(made, owners, Report())

    def _rows(
        self, lines: list[Line], owners: dict[str, int], report: Report
    ) -> tuple[list[OrderLine], list[Line]]:
        rows, kept = [], []
        for line in lines:
            mark = hash((line.order, line.key))
            first = self._first_line.setdefault(mark, line.number)
            order_id, customer_id = self._orders[line.order]
            if first != line.number:
                report.reject(line.number, f"repeats line {first}", _plain(line))
            elif customer_id != owners[line.customer]:
                reason = f"order {line.order} belongs to another customer"
                report.reject(line.number, reason, _plain(line))
            else:
                rows.append(
                    OrderLine(
                        order_id=order_id,
                        product_id=self._products[line.sku],
                        quantity=line.quantity,
                        unit_price=line.unit_price,
                        key=line.key,
                    )
                )
                kept.append(line)
        return rows, kept

    def _make_products(self, lines: list[Line]) -> None:
        missing = {line.sku: line for line in reversed(lines) if line.sku not in self._products}
        # Another import may have made them since.
        known = dict(Product.objects.filter(sku__in=list(missing)).values_list("sku", "pk"))
        self._products |= known
        made = Product.objects.bulk_create(
            Product(
                sku=sku,
                title_en=line.title or sku,
                price=line.unit_price,
                currency=self.currency,
                is_active=line.is_merchandise,
                created_at=line.placed_at,
            )
            for sku, line in missing.items()
            if sku not in known
        )
        self._products |= {product.sku: product.pk for product in made}

    def _make_orders(self, lines: list[Line], owners: dict[str, int]) -> list[int]:
        """Make the orders of this chunk; return the ids of those that existed before."""
        numbers = {line.order for line in lines}
        unknown = numbers - set(self._orders)
        self._know(unknown)
        first = {line.order: line for line in reversed(lines) if line.order not in self._orders}
        made = Order.objects.bulk_create(
            Order(
                number=line.order,
                customer_id=owners[line.customer],
                status=line.status,
                is_refund=line.is_refund,
                total=0,
                currency=self.currency,
                placed_at=line.placed_at,
                source=self.source,
            )
            for line in first.values()
        )
        self._orders |= {order.number: (order.pk, order.customer_id) for order in made}
        return [self._orders[number][0] for number in numbers - set(first)]

    def _know(self, numbers: set[str]) -> None:
        known = Order.objects.filter(number__in=numbers).values_list("number", "pk", "customer_id")
        self._orders |= {number: (pk, owner) for number, pk, owner in known}

    def _known_keys(self, order_ids: list[int]) -> set[tuple[int, str]]:
        known = OrderLine.objects.filter(order_id__in=order_ids)
        return set(known.values_list("order_id", "key"))

    def _total(self, order_ids: Iterable[int]) -> None:
        money = DecimalField(max_digits=14, decimal_places=2)
        worth = ExpressionWrapper(F("quantity") * F("unit_price"), output_field=money)
        lines = OrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order")
        Order.objects.filter(pk__in=list(order_ids)).update(
            total=Subquery(lines.annotate(sum=Sum(worth)).values("sum"), output_field=money)
        )

    def _date(self, lines: list[Line], owners: dict[str, int]) -> None:
        """Bring the customers' first and last day, and country, up to date."""
        bought: dict[int, list[Line]] = {}
        for line in lines:
            bought.setdefault(owners[line.customer], []).append(line)
        people = Customer.objects.in_bulk(list(bought))
        for pk, customer in people.items():
            days = [line.placed_at for line in bought[pk]]
            customer.first_seen_at = min(customer.first_seen_at, *days)
            # A customer made by this chunk was seen when they bought, not when we read it.
            made_here = customer.last_seen_at == self.now
            customer.last_seen_at = max(days) if made_here else max(customer.last_seen_at, *days)
            customer.country = customer.country or next(
                (line.country for line in bought[pk] if line.country), ""
            )
        Customer.objects.bulk_update(
            people.values(), ["first_seen_at", "last_seen_at", "country"], batch_size=500
        )
        changed = ("field:first_seen_at", "field:last_seen_at", "field:country")
        touches.touch(people, *changed)

    def _tell(self, lines: list[Line]) -> None:
        """Each order is one fact of the past: it is on the timeline, and nobody reacts to it."""
        skus: dict[str, list[str]] = {}
        for line in lines:
            skus.setdefault(line.order, []).append(line.sku)
        first = {line.order: line for line in reversed(lines)}
        timeline.record_many(
            (self._entry(line, skus[line.order]) for line in first.values()),
            received_at=self.now,
            announce=False,
        )

    def _entry(self, line: Line, skus: list[str]) -> timeline.Entry:
        order_id, customer_id = self._orders[line.order]
        kind = OrderRefunded.kind if line.is_refund else OrderPlaced.kind
        return timeline.Entry(
            customer_id=customer_id,
            kind=kind,
            data={"order_id": order_id, "number": line.order, "skus": skus},
            happened_at=line.placed_at,
            message_id=f"{kind}:{order_id}",
            source=self.source,
        )


def _plain(line: Line) -> dict[str, Any]:
    return {"order": line.order, "customer": line.customer, "sku": line.sku, "key": line.key}
