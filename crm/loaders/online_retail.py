"""The UCI "Online Retail" CSV (and its successor, Online Retail II): lines of invoices.

An invoice whose number begins with C is a cancellation and becomes a refund order with
negative lines. Stock codes that are no goods (postage, discounts, bank charges) count in
the money of an order but are never listed for sale. Lines without a customer, and negative
quantities outside a cancellation, are rejected.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from crm.loaders import parsing
from crm.loaders.order_lines import Line, LineWriter
from crm.loading import Columns, Numbered, Refused, Report, Writer, load_csv, usable
from crm.models import Order

LONDON = ZoneInfo("Europe/London")
COLUMNS = Columns(
    needed=(
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ),
    renamed={"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"},
)


def load(path: Path, report: Report, *, now: datetime) -> None:
    load_csv(path, report, COLUMNS, RetailWriter(now=now, file=path.name))


class RetailWriter(Writer):
    size = 20_000

    def __init__(self, *, now: datetime, file: str) -> None:
        super().__init__(now=now, file=file)
        self._writer = LineWriter(source="online-retail", currency="GBP", now=now)

    def check(self, rows: list[Numbered]) -> list[Line | Refused]:
        return list(_lines(rows))

    def write(self, checked: list[Line | Refused], report: Report) -> None:
        self._writer.write(list(usable(checked, report)), report)

    def remember(self, rows: list[Numbered]) -> None:
        self._writer.remember(list(usable(self.check(rows), Report())))


def _lines(rows: Iterable[Numbered]) -> Iterator[Line | Refused]:
    for number, row in rows:
        try:
            yield _line(number, row)
        except parsing.BadValue as bad:
            yield Refused(number, row, str(bad))


def _line(number: int, row: dict[str, str]) -> Line:
    invoice = parsing.text(row, "InvoiceNo", needed=True, longest=64)
    customer = parsing.text(row, "CustomerID", needed=True, longest=255).removesuffix(".0")
    quantity = parsing.whole(row, "Quantity")
    is_refund = invoice.upper().startswith("C")
    if quantity == 0:
        raise parsing.BadValue("Quantity is 0")
    if quantity < 0 and not is_refund:
        raise parsing.BadValue(f"Quantity {quantity} is negative outside a cancelled invoice")
    if quantity > 0 and is_refund:
        raise parsing.BadValue(f"Quantity {quantity} is positive in a cancelled invoice")
    sku = parsing.text(row, "StockCode", needed=True, longest=64).upper()
    return Line(
        number=number,
        order=invoice,
        customer=customer,
        sku=sku,
        title=parsing.text(row, "Description"),
        quantity=quantity,
        unit_price=parsing.price(row, "UnitPrice"),
        placed_at=parsing.moment(row, "InvoiceDate", zone=LONDON),
        country=parsing.text(row, "Country"),
        status=Order.Status.REFUNDED if is_refund else Order.Status.DELIVERED,
        is_refund=is_refund,
        is_merchandise=sku[:5].isdigit(),
    )
