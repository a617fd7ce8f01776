"""Statements of our own, for what is done set by set, and tables that last a transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

MEMORY = "256MB"  # PostgreSQL: of one sort or hash


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def run(sql: str, params: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return int(cursor.rowcount)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchall())


@contextmanager
def one_at_a_time(lock: int) -> Iterator[None]:
    """One transaction that no other of the same lock runs beside; SQLite has one writer anyway."""
    with transaction.atomic():
        if is_postgresql():
            # So many expressions take longer to compile than to ask.
            run("SELECT set_config('jit', 'off', true)")
            run("SELECT pg_advisory_xact_lock(%s)", [lock])
        yield


def with_memory() -> None:
    """Let each sort and hash of this transaction have the memory that everybody's rows need."""
    if is_postgresql():
        run("SELECT set_config('work_mem', %s, true)", [MEMORY])


def keep_for_now(table: str, columns: str) -> None:
    """A table that nobody else sees, until the transaction ends or it is asked for again."""
    end = " ON COMMIT DROP" if is_postgresql() else ""
    run(f"DROP TABLE IF EXISTS {table}")
    run(f"CREATE TEMPORARY TABLE {table} ({columns}){end}")


def keep_found(table: str, columns: str, sql: str, params: Sequence[Any]) -> None:
    """Such a table with what a query over everybody finds."""
    with_memory()
    if is_postgresql():
        run(f"DROP TABLE IF EXISTS {table}")
        # Made of the query, not filled by it: only so may PostgreSQL ask with several workers.
        run(f"CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP AS {sql}", params)
        run(f"ANALYZE {table}")
    else:
        keep_for_now(table, columns)
        run(f"INSERT INTO {table} {sql}", params)
