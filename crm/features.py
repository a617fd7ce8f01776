"""What we know of customers in numbers, as of a moment: the same for training and for serving.

Set-based, a handful of queries however many customers; nothing later than the moment is seen.
Money is that of the shop's main currency: amounts are never converted, and orders in another
currency count as orders without their money (`Table.left_out` says how many).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db.models import Avg, Count, Max, Min, Q, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crm.models import Customer, Event, Feedback, Order

if TYPE_CHECKING:
    import numpy as np

AT_ONCE = 50_000  # customers of one chunk
LONG_AGO = 730.0  # days: longer is not told apart
DAY = timedelta(days=1)
KINDS = {
    "views": "crm.product_viewed",
    "carts": "crm.product_added",
    "searches": "crm.products_searched",
    "messages": "campaigns.message_sent",
    "opens": "campaigns.message_opened",
    "clicks": "campaigns.message_clicked",
    "chats": "chatbot.message_received",
}
# How each number is said to staff. Marked for translation here, translated where it is read.
WORDS = {
    "orders": gettext_noop("%(value)s orders so far"),
    "orders_30": gettext_noop("%(value)s orders in the last 30 days"),
    "orders_90": gettext_noop("%(value)s orders in the last 90 days"),
    "orders_365": gettext_noop("%(value)s orders in the last year"),
    "orders_trend": gettext_noop("%(value)s more orders in these 90 days than in the 90 before"),
    "spend": gettext_noop("spent %(value)s so far"),
    "spend_365": gettext_noop("spent %(value)s in the last year"),
    "order_value": gettext_noop("%(value)s an order on average"),
    "refunds": gettext_noop("%(value)s refunds"),
    "days_since_order": gettext_noop("%(value)s days since the last order"),
    "days_since_first_order": gettext_noop("%(value)s days since the first order"),
    "days_between_orders": gettext_noop("%(value)s days between orders on average"),
    "silence": gettext_noop("silent for %(value)s times the usual pause"),
    "views_30": gettext_noop("%(value)s products looked at in 30 days"),
    "views_90": gettext_noop("%(value)s products looked at in 90 days"),
    "carts_30": gettext_noop("%(value)s products put in the cart in 30 days"),
    "carts_90": gettext_noop("%(value)s products put in the cart in 90 days"),
    "searches_30": gettext_noop("%(value)s searches in 30 days"),
    "searches_90": gettext_noop("%(value)s searches in 90 days"),
    "messages_30": gettext_noop("%(value)s messages received in 30 days"),
    "messages_90": gettext_noop("%(value)s messages received in 90 days"),
    "opens_30": gettext_noop("%(value)s messages opened in 30 days"),
    "opens_90": gettext_noop("%(value)s messages opened in 90 days"),
    "clicks_30": gettext_noop("%(value)s messages clicked in 30 days"),
    "clicks_90": gettext_noop("%(value)s messages clicked in 90 days"),
    "chats_30": gettext_noop("%(value)s chat messages in 30 days"),
    "chats_90": gettext_noop("%(value)s chat messages in 90 days"),
    "days_since_event": gettext_noop("%(value)s days since anything happened"),
    "ratings": gettext_noop("%(value)s ratings given"),
    "rating": gettext_noop("rates %(value)s on average"),
    "tenure": gettext_noop("%(value)s days with us"),
}
NAMES = tuple(WORDS)


@dataclass(frozen=True)
class Table:
    """ids: (customers,) ascending; matrix: (customers, names), NaN where nothing is known."""

    ids: "np.ndarray"
    names: tuple[str, ...]
    matrix: "np.ndarray"
    left_out: int = 0  # orders whose money is of another currency than the shop's

    def column(self, name: str) -> "np.ndarray":
        return self.matrix[:, self.names.index(name)]


def build(customers: QuerySet[Customer], *, as_of: datetime, currency: str = "") -> Table:
    """One row of numbers for each of these customers, from what had happened by `as_of`."""
    import numpy as np

    ids = np.fromiter(
        customers.order_by("pk").values_list("pk", flat=True).iterator(AT_ONCE), dtype=np.int64
    )
    currency = currency or main_currency(as_of=as_of)
    rows = _Rows(ids, as_of)
    who = Q(customer__in=customers.order_by().values("pk"))
    seen = customers.filter(first_seen_at__lte=as_of).values_list("pk", "first_seen_at")
    rows.fill(seen, ("tenure",), default=0.0, days=("tenure",))
    _orders(rows, who, currency)
    _events(rows, who)
    _feedback(rows, who)
    other = Order.objects.filter(who, placed_at__lte=as_of).exclude(currency=currency).count()
    return Table(ids, NAMES, rows.matrix(), other)


def chunks(customers: QuerySet[Customer], *, as_of: datetime) -> Iterator[Table]:
    """The tables of many customers, some tens of thousands at a time."""
    currency, last = main_currency(as_of=as_of), 0
    while True:
        following = customers.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        ends = list(following[AT_ONCE - 1 : AT_ONCE]) or list(following.reverse()[:1])
        if not ends:
            return
        yield build(customers.filter(pk__gt=last, pk__lte=ends[0]), as_of=as_of, currency=currency)
        last = ends[0]


def main_currency(*, as_of: datetime) -> str:
    """The currency of most orders until then."""
    counted = (
        Order.objects.sales()
        .filter(placed_at__lte=as_of)
        .values("currency")
        .annotate(n=Count("pk"))
    )
    first = counted.order_by("-n", "currency").first()
    return first["currency"] if first else "CNY"


def shop_currency(*, now: datetime) -> str:
    """The main currency at present, looked up once an hour: amounts on pages are said in it."""
    known: str | None = cache.get("features:currency")
    if known is None:
        known = main_currency(as_of=now)
        cache.set("features:currency", known, 3600)
    return known


def said(name: str, value: float | None) -> str:
    """A number as staff read it, in the present language."""
    if value is None:
        return _("nothing known: %(name)s") % {"name": name.replace("_", " ")}
    return _(WORDS[name]) % {"value": _short(value)}


def _short(value: float) -> str:
    """As many digits as anybody would say: 1,204 and 37 and 2.7 and 0.09."""
    places = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


class _Rows:
    """Columns by name, filled from queries whose first value is the customer."""

    def __init__(self, ids: "np.ndarray", as_of: datetime) -> None:
        self.ids, self.as_of = ids, as_of
        self.columns: dict[str, np.ndarray] = {}

    def fill(
        self,
        rows: "QuerySet[Any, Any]",
        names: Sequence[str],
        *,
        default: float,
        days: Sequence[str] = (),
    ) -> None:
        """Those without a row get the default; `days` are moments, turned into days before."""
        import numpy as np

        found = list(rows.iterator(AT_ONCE))
        place = np.searchsorted(self.ids, np.array([row[0] for row in found], dtype=np.int64))
        for at, name in enumerate(names, start=1):
            column = np.full(len(self.ids), np.nan if name in days else float(default))
            cells = [row[at] for row in found]
            if name in days:
                cells = [np.nan if moment is None else self._ago(moment) for moment in cells]
            column[place] = np.array([np.nan if cell is None else cell for cell in cells], float)
            self.columns[name] = column

    def matrix(self) -> "np.ndarray":
        import numpy as np

        c = self.columns
        pause = c["days_since_first_order"] - c["days_since_order"]
        more = np.maximum(c["orders"] - 1, 0)
        between = np.divide(pause, more, out=np.full(len(more), np.nan), where=more > 0)
        c["days_between_orders"] = between
        c["silence"] = np.minimum(c["days_since_order"] / np.maximum(between, 1.0), 100.0)
        paid = np.maximum(c["orders_paid"], 1)
        c["order_value"] = np.where(c["orders_paid"] > 0, c["spend"] / paid, np.nan)
        c["orders_trend"] = c["orders_90"] - c["orders_180_90"]
        return np.stack([c[name] for name in NAMES], axis=1)

    def _ago(self, moment: datetime) -> float:
        return min((self.as_of - moment) / DAY, LONG_AGO)


def _orders(rows: _Rows, who: Q, currency: str) -> None:
    as_of = rows.as_of
    sale = Q(is_refund=False)
    paid = sale & Q(currency=currency, total__gt=0)

    def since(days: int) -> Q:
        return Q(placed_at__gt=as_of - days * DAY)

    found = (
        Order.objects.revenue()
        .filter(who, placed_at__lte=as_of)
        .values("customer")
        .annotate(
            orders=Count("pk", sale),
            orders_paid=Count("pk", paid),
            orders_30=Count("pk", sale & since(30)),
            orders_90=Count("pk", sale & since(90)),
            orders_180_90=Count("pk", sale & since(180) & ~since(90)),
            orders_365=Count("pk", sale & since(365)),
            spend=Sum("total", filter=paid),
            spend_365=Sum("total", filter=paid & since(365)),
            refunds=Count("pk", Q(is_refund=True)),
        )
        .annotate(
            days_since_order=Max("placed_at", filter=sale),
            days_since_first_order=Min("placed_at", filter=sale),
        )
    )
    names = ["orders", "orders_paid", "orders_30", "orders_90", "orders_180_90", "orders_365"]
    names += ["spend", "spend_365", "refunds", "days_since_order", "days_since_first_order"]
    days = ("days_since_order", "days_since_first_order")
    rows.fill(found.values_list("customer", *names), names, default=0.0, days=days)
    for name in ("spend", "spend_365"):  # who never paid in the main currency spent nothing
        rows.columns[name] = _zero_for_nan(rows.columns[name])


def _events(rows: _Rows, who: Q) -> None:
    recent = {
        f"{name}_{days}": Count("pk", Q(kind=kind, happened_at__gt=rows.as_of - days * DAY))
        for name, kind in KINDS.items()
        for days in (30, 90)
    }
    found = (
        Event.objects.filter(who, happened_at__lte=rows.as_of)
        .filter(happened_at__gt=rows.as_of - 90 * DAY)
        .values("customer")
        .annotate(**recent, days_since_event=Max("happened_at"))
    )
    names = [*recent, "days_since_event"]
    values = found.values_list("customer", *names)
    rows.fill(values, names, default=0.0, days=("days_since_event",))


def _feedback(rows: _Rows, who: Q) -> None:
    found = (
        Feedback.objects.filter(who, at__lte=rows.as_of)
        .values("customer")
        .annotate(ratings=Count("score"), rating=Avg("score"))
    )
    rows.fill(
        found.values_list("customer", "ratings", "rating"), ("ratings", "rating"), default=0.0
    )
    rated = rows.columns["ratings"] > 0
    rows.columns["rating"][~rated] = float("nan")


def _zero_for_nan(column: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.asarray(np.nan_to_num(column, nan=0.0))
