"""Many rows into one table: COPY on PostgreSQL, one prepared statement elsewhere.

The ORM makes an object a row; an import of a million customers has no time for that. Only for
tables without anything that happens on save.
"""

import gc
import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, models

ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most that size. (itertools.batched, of Python 3.12.)"""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def reserve(model: type[models.Model], count: int) -> Sequence[int]:
    """Ids that nobody else will use. Call it in the transaction that writes the rows."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, count],
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute(f'SELECT COALESCE(MAX(id), 0) FROM "{table}"')
        first: int = cursor.fetchone()[0] + 1
        return range(first, first + count)


def hasten() -> None:
    """Do not wait for the disk at the end of this transaction.

    For a chunk whose position is written with it: what a crash of the database takes back is
    read again.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for cycles: a chunk makes a hundred thousand objects and none of them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def among(model: type[models.Model], name: str) -> str:
    """SQL: the column is one of a list. Give the list to `listed`."""
    column = f'"{model._meta.db_table}"."{name}"'
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)"
    return f"{column} IN (SELECT value FROM json_each(%s))"


def listed(values: list[str]) -> Any:
    return values if connection.vendor == "postgresql" else json.dumps(values)


def insert(
    model: type[models.Model], names: Sequence[str], rows: Collection[Sequence[Any]]
) -> None:
    """Write the rows; values are text, numbers, booleans or None, as the columns take them."""
    fields = {field.name: field.column for field in model._meta.fields}
    columns = ", ".join(f'"{fields[name]}"' for name in names)
    table = model._meta.db_table
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            lines = io.StringIO("".join(_line(row) for row in rows))
            cursor.copy_expert(f'COPY "{table}" ({columns}) FROM STDIN', lines)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', list(rows))


def _line(row: Sequence[Any]) -> str:
    line = "\t".join([str(value) for value in row])
    # Most rows hold nothing to escape, and looking is cheaper than rewriting.
    plain = "\\" not in line and "\n" not in line and "\r" not in line
    if plain and None not in row and line.count("\t") == len(row) - 1:
        return line + "\n"
    return "\t".join([_escaped(value) for value in row]) + "\n"


def _escaped(value: Any) -> str:
    return "\\N" if value is None else str(value).translate(ESCAPES)
