"""Who bought what when, as arrays, as of a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crm import features
from crm.models import Order

if TYPE_CHECKING:
    import numpy as np


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


def purchases(*, as_of: datetime) -> Purchases:
    """Read all orders that count, until the moment, in the shop's main currency.

    Amounts of different currencies are never added; orders in another one are left out.
    """
    import numpy as np

    rows = (
        Order.objects.revenue()
        .filter(placed_at__lte=as_of, customer__merged_into=None)
        .filter(currency=features.main_currency(as_of=as_of))
        .values_list("customer_id", "placed_at", "total")
    )
    table = np.array(
        [(pk, _day(at), float(total)) for pk, at, total in rows.iterator(chunk_size=20_000)],
        dtype=float,
    ).reshape(-1, 3)
    ids, customers = np.unique(table[:, 0].astype(np.int64), return_inverse=True)
    days = table[:, 1].astype(np.int64)
    first = int(days.min()) if len(days) else _day(as_of)
    return Purchases(ids, customers, days - first, table[:, 2], _day(as_of) - first)


def _day(moment: datetime) -> int:
    return int(moment.timestamp() // timedelta(days=1).total_seconds())
