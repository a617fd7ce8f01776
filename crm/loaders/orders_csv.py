"""Orders from a CSV, one line of an order a row. `customer` is a user id."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from crm.loaders import parsing
from crm.loaders.order_lines import Line, LineWriter
from crm.loading import Columns, Report, read_rows
from crm.models import Order

COLUMNS = Columns(
    needed=("order", "customer", "placed_at", "sku", "quantity", "unit_price"),
    optional=("title", "status", "country", "currency"),
)
CHUNK = 20_000


def load(path: Path, report: Report, *, now: datetime) -> None:
    writers: dict[str, LineWriter] = {}
    for chunk in parsing.chunks(_lines(path, report), CHUNK):
        for currency in sorted({currency for currency, _ in chunk}):
            writer = writers.setdefault(
                currency, LineWriter(source="import", currency=currency, now=now)
            )
            writer.write([line for c, line in chunk if c == currency], report)
    for writer in writers.values():
        writer.finish()


def _lines(path: Path, report: Report) -> Iterator[tuple[str, Line]]:
    for number, row in read_rows(path, report, COLUMNS):
        try:
            yield parsing.text(row, "currency").upper() or "CNY", _line(number, row)
        except parsing.BadValue as bad:
            report.reject(number, str(bad), row)


def _line(number: int, row: dict[str, str]) -> Line:
    quantity = parsing.whole(row, "quantity")
    status = parsing.text(row, "status") or Order.Status.DELIVERED
    if status not in Order.Status.values:
        raise parsing.BadValue(f"status: {status!r} is none of {', '.join(Order.Status.values)}")
    is_refund = status == Order.Status.REFUNDED
    if quantity == 0 or (quantity < 0) != is_refund:
        raise parsing.BadValue(
            f"quantity: {quantity} does not fit {status} (refunds are negative, sales positive)"
        )
    return Line(
        number=number,
        order=parsing.text(row, "order", needed=True),
        customer=parsing.text(row, "customer", needed=True),
        sku=parsing.text(row, "sku", needed=True),
        title=parsing.text(row, "title"),
        quantity=quantity,
        unit_price=parsing.price(row, "unit_price"),
        placed_at=parsing.moment(row, "placed_at"),
        country=parsing.text(row, "country"),
        status=status,
        is_refund=is_refund,
    )
