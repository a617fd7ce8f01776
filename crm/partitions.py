"""The months of the timeline on PostgreSQL: made ahead, taken out of the rest, retired.

Every month has a partition of its own; what lies elsewhere in time is in the default one until
its month holds enough to be worth a partition. SQLite has one table, and nothing to do here.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction

AHEAD = 3  # months
WORTH = 10_000  # events of a month in the default partition that make it worth its own
PATIENCE = "10s"  # for locks: what cannot be had now is had tomorrow, nobody queues for long
NAME = re.compile(r"crm_event_(\d{4})_(\d{2})")


@dataclass(frozen=True)
class Partition:
    name: str
    month: date | None  # none: the default one
    events: int  # as the database estimates them
    bytes: int


def exist() -> bool:
    return connection.vendor == "postgresql"


def current() -> list[Partition]:
    """The partitions there are, oldest first, the default one last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid)"
            " FROM pg_inherits JOIN pg_class ON oid = inhrelid"
            " WHERE inhparent = 'crm_event'::regclass ORDER BY relname"
        )
        return [Partition(name, _month(name), *size) for name, *size in cursor.fetchall()]


def make(now: datetime, *, most: int = 3) -> dict[str, int]:
    """Give this month, the next, and at most so many full ones of the default partition theirs.

    Returns how many events each new one took over. Each is a transaction of its own, in which
    nobody else writes customers or touches the default partition. Doing it twice changes nothing.
    """
    ahead = [_later(now.date(), months) for months in range(AHEAD + 1)]
    made = [(month, _make(month)) for month in ahead]
    made += [(month, _make(month)) for month in _crowded()[:most]]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_event")  # the database does that to partitions alone
    return {f"{month:%Y-%m}": moved for month, moved in made if moved is not None}


def older_than(month: date) -> list[Partition]:
    return [part for part in current() if part.month and part.month < month.replace(day=1)]


@transaction.atomic
def retire(part: Partition, *, drop: bool) -> None:
    """Take a month off the timeline, with its keys: as a table by itself, or for good.

    The table by itself has no foreign keys, so that customers can still be erased; who keeps
    it answers for what it holds of them.
    """
    if part.month is None:
        raise ValueError("the default partition stays")
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE crm_customer, crm_identity IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"ALTER TABLE crm_event DETACH PARTITION {part.name}")
        cursor.execute(
            f"DELETE FROM crm_event_key told USING {part.name} gone"
            " WHERE told.source = gone.source AND told.message_id = gone.message_id"
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if drop:
            cursor.execute(f"DROP TABLE {part.name}")
            return
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
            [part.name],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {part.name} DROP CONSTRAINT "{name}"')
        # Its name is free again, should the month come back.
        cursor.execute(f"ALTER TABLE {part.name} RENAME TO {part.name}_retired")


@transaction.atomic
def _make(month: date) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        cursor.execute("SELECT crm_event_month(%s)", [month])
        moved: int | None = cursor.fetchone()[0]
        return moved


def _crowded() -> list[date]:
    """Months of the default partition that are worth one of their own, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('month', happened_at AT TIME ZONE 'UTC')::date AS month"
            " FROM crm_event_default GROUP BY month HAVING count(*) >= %s ORDER BY month DESC",
            [WORTH],
        )
        return [row[0] for row in cursor.fetchall()]


def _month(name: str) -> date | None:
    found = NAME.fullmatch(name)
    return date(int(found[1]), int(found[2]), 1) if found else None


def _later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
