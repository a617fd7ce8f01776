"""Many rows into one table: COPY on PostgreSQL, one prepared statement elsewhere.

The ORM makes an object a row; an import of a million customers has no time for that. Only for
tables without anything that happens on save.
"""

import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, models

BLOCK = 1 << 20  # bytes handed to the database at a time
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
            # Two statements: in one, the name would be looked up for every id.
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            sequence = cursor.fetchone()[0]
            cursor.execute(
                "SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [sequence, count]
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
    fields = {field.name: str(field.column) for field in model._meta.fields}
    insert_into(model._meta.db_table, [fields[name] for name in names], rows)


def insert_into(table: str, names: Sequence[str], rows: Collection[Sequence[Any]]) -> None:
    """The same by the names of the table and its columns."""
    if not rows:
        return
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            lines = io.StringIO(_lines(rows, len(names)))
            with connection.wrap_database_errors:  # which cursors do not do for COPY
                cursor.copy_expert(f'COPY "{table}" ({columns}) FROM STDIN', lines, BLOCK)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', list(rows))


def _lines(rows: Collection[Sequence[Any]], width: int) -> str:
    line, empty = "\t".join(["%s"] * width) + "\n", 0
    lines = []
    for row in rows:
        if None in row:
            empty += sum(value is None for value in row)
            row = ["\\N" if value is None else value for value in row]
        lines.append(line % tuple(row))
    text = "".join(lines)
    # Most chunks hold nothing to escape, and looking is cheaper than rewriting.
    plain = text.count("\\") == empty and "\r" not in text
    if plain and text.count("\n") == len(rows) and text.count("\t") == len(rows) * (width - 1):
        return text
    return "".join(["\t".join([_escaped(value) for value in row]) + "\n" for row in rows])


def _escaped(value: Any) -> str:
    return "\\N" if value is None else str(value).translate(ESCAPES)
