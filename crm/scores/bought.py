"""Who bought what when, as arrays, as of a moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import FloatField, Func, IntegerField
from django.db.models.functions import Cast

from crm import arrays, features
from crm.models import Order

if TYPE_CHECKING:
    import numpy as np

TYPES = ("i8", "i4", "f8")  # customer, day, amount


@dataclass(frozen=True)
class Purchases:
    """Orders until a moment; refunds are negative. Days are whole, counted from the first.

    ids: (customers,) of everybody who ordered, ascending; the rest (orders,).
    """

    ids: "np.ndarray"
    customers: "np.ndarray"
    days: "np.ndarray"
    amounts: "np.ndarray"
    today: int

    def until(self, day: int) -> "Purchases":
        """The same customers, seen at the end of an earlier day."""
        kept = self.days <= day
        return Purchases(self.ids, self.customers[kept], self.days[kept], self.amounts[kept], day)

    def recorded(self) -> "Purchases":
        """Seen at the end of the last day with an order: later silence is of the records."""
        return self.until(int(self.days.max(initial=0)))


class UnixDay(Func):
    """Whole days since 1970 of a moment, in UTC."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"FLOOR(EXTRACT(EPOCH FROM {sql}) / 86400)::integer", params

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"CAST(STRFTIME('%%s', {sql}) AS INTEGER) / 86400", params


def purchases(*, as_of: datetime) -> Purchases:
    """Read all orders that count, until the moment, in the shop's main currency.

    Amounts of different currencies are never added; orders in another one are left out.
    16 bytes are kept of each order, and 20 more for a moment.
    """
    import numpy as np

    orders = (
        Order.objects.revenue()
        .filter(placed_at__lte=as_of, customer__merged_into=None)
        .filter(currency=features.main_currency(as_of=as_of))
        .annotate(day=UnixDay("placed_at"), amount=Cast("total", FloatField()))
        .values_list("customer_id", "day", "amount")
    )
    parts = list(arrays.tables(orders, TYPES))
    ids = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(np.unique(part["f0"]) for part in parts)])
    )
    today = int(as_of.timestamp() // timedelta(days=1).total_seconds())
    first = min((int(part["f1"].min()) for part in parts), default=today)

    def whole(column: "Callable[[np.ndarray], np.ndarray]", kind: str) -> "np.ndarray":
        made = np.empty(sum(map(len, parts)), dtype=kind)
        end = 0
        for part in parts:
            start, end = end, end + len(part)
            made[start:end] = column(part)
        return made

    customers = whole(lambda part: np.searchsorted(ids, part["f0"]), "i4")
    days = whole(lambda part: part["f1"] - first, "i4")
    return Purchases(ids, customers, days, whole(lambda part: part["f2"], "f8"), today - first)
