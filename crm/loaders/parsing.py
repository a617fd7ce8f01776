"""Read one cell of an imported row, or say in words what is wrong with it."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from django.utils.dateparse import parse_date, parse_datetime


class BadValue(ValueError):
    """One cell cannot be used; the message names the column and the reason."""


def text(
    row: Mapping[str, str | None], column: str, *, needed: bool = False, longest: int | None = None
) -> str:
    value = (row.get(column) or "").strip()
    if needed and not value:
        raise BadValue(f"{column} is missing")
    if longest and len(value) > longest:
        raise BadValue(f"{column}: longer than {longest} characters")
    return value


def number(row: Mapping[str, str | None], column: str) -> Decimal:
    raw = text(row, column, needed=True)
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise BadValue(f"{column}: {raw!r} is not a number") from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 10:
        raise BadValue(f"{column}: {raw!r} is out of range")
    return value


def whole(row: Mapping[str, str | None], column: str) -> int:
    value = number(row, column)
    if value != int(value):
        raise BadValue(f"{column}: {value} is not a whole number")
    return int(value)


def price(row: Mapping[str, str | None], column: str) -> Decimal:
    value = number(row, column)
    if value < 0:
        raise BadValue(f"{column}: {value} is negative")
    return value.quantize(Decimal("0.01"))


def moment(row: Mapping[str, str | None], column: str, *, zone: tzinfo = UTC) -> datetime:
    return _moment(text(row, column, needed=True), column, zone)


@lru_cache(maxsize=4096)
def _moment(raw: str, column: str, zone: tzinfo) -> datetime:
    try:
        parsed = parse_datetime(raw) or _midnight(raw)
    except ValueError:
        parsed = None
    if parsed is None:
        raise BadValue(f"{column}: {raw!r} is not a time (write 2026-01-31 13:45:00)")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)


def _midnight(raw: str) -> datetime | None:
    day = parse_date(raw)
    return datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001  (zone follows)


def words(row: Mapping[str, str | None], column: str) -> list[str]:
    return [part.strip() for part in text(row, column).split("|") if part.strip()]
