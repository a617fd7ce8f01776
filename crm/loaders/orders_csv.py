"""Orders from a CSV, one line of an order a row. `customer` is a user id."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.db import transaction

from crm.loaders import parsing
from crm.loaders.order_lines import Line, LineWriter
from crm.loading import Columns, Numbered, Report, Writer, load_csv
from crm.models import Order

COLUMNS = Columns(
    needed=("order", "customer", "placed_at", "sku", "quantity", "unit_price"),
    optional=("title", "status", "country", "currency"),
)


def load(path: Path, report: Report, *, now: datetime) -> None:
    load_csv(path, report, COLUMNS, OrderWriter(now=now, file=path.name))


class OrderWriter(Writer):
    size = 20_000

    def __init__(self, *, now: datetime, file: str) -> None:
        super().__init__(now=now, file=file)
        self._writers: dict[str, LineWriter] = {}  # currency -> writer

    def write(self, rows: list[Numbered], report: Report) -> None:
        with transaction.atomic():
            for currency, lines in self._by_currency(rows, report):
                self._writer(currency).write(lines, report)

    def remember(self, rows: list[Numbered]) -> None:
        for currency, lines in self._by_currency(rows, Report()):
            self._writer(currency).remember(lines)

    def _writer(self, currency: str) -> LineWriter:
        if currency not in self._writers:
            made = LineWriter(source="import", currency=currency, now=self.now)
            self._writers[currency] = made
        return self._writers[currency]

    def _by_currency(self, rows: list[Numbered], report: Report) -> list[tuple[str, list[Line]]]:
        lines = list(_lines(rows, report))
        return [
            (currency, [line for c, line in lines if c == currency])
            for currency in sorted({currency for currency, _ in lines})
        ]


def _lines(rows: Iterable[Numbered], report: Report) -> Iterator[tuple[str, Line]]:
    for number, row in rows:
        try:
            yield parsing.text(row, "currency", longest=3).upper() or "CNY", _line(number, row)
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
        order=parsing.text(row, "order", needed=True, longest=64),
        customer=parsing.text(row, "customer", needed=True, longest=255),
        sku=parsing.text(row, "sku", needed=True, longest=64),
        title=parsing.text(row, "title", longest=200),
        quantity=quantity,
        unit_price=parsing.price(row, "unit_price"),
        placed_at=parsing.moment(row, "placed_at"),
        country=parsing.text(row, "country", longest=64),
        status=status,
        is_refund=is_refund,
    )
