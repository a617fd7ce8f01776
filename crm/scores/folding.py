"""What every customer bought, kept as one row each: only whose orders changed is folded anew.

Set-wise, in a handful of statements however many customers; nobody's orders pass through Python.
A customer is folded from all of their own orders, so that an order which comes late, is cancelled
or goes to somebody else by a merge needs no case of its own, and folding twice is folding once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from crm.models import Order, PurchaseChange, PurchaseSummary

LOCK = 7_309_152  # any number that is only ours
MANY = 5  # one buyer in so many changed: folding all of them is cheaper
MEMORY = "256MB"  # PostgreSQL: of one sort or hash
# Refunds have negative totals: they take money, and are no purchase. Days are counted by a sort,
# which spills to the disk where it does not fit into memory.
FOLD = """
    INSERT INTO crm_purchasesummary
        (customer_id, currency, first_day, last_day, days, sales, money, cell)
    SELECT customer_id, currency, {first}, {last},
        COUNT(DISTINCT CASE WHEN total >= 0 THEN {day} END),
        SUM(CASE WHEN is_refund THEN 0 ELSE 1 END), {money}, 0
    FROM crm_order
    JOIN crm_customer ON crm_customer.id = customer_id AND merged_into_id IS NULL
    WHERE status NOT IN (%s, %s) AND placed_at <= %s {among}
    GROUP BY customer_id, currency
"""
AMONG = "AND customer_id IN (SELECT customer_id FROM purchases_changed)"
BOUGHT = "CASE WHEN total >= 0 THEN placed_at END"
DAY = {"postgresql": "({} AT TIME ZONE 'UTC')::date", "sqlite": "DATE({})"}
MONEY = {"postgresql": "SUM(total)::float8", "sqlite": "ROUND(SUM(total), 2)"}


@contextmanager
def exclusive() -> Iterator[None]:
    """One transaction that no other fold runs beside."""
    with transaction.atomic():
        if is_postgresql():
            run("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            run("SELECT set_config('work_mem', %s, true)", [MEMORY])
        yield


def fold(*, as_of: datetime) -> bool:
    """Bring the summaries up to the orders of the moment, in the transaction of `exclusive`.

    Whose summary is a new one stands in the table `purchases_changed` until the transaction
    ends; the answer is True when that is everybody.
    """
    moment = connection.ops.adapt_datetimefield_value(as_of.astimezone(UTC))
    everybody = _take(moment)
    if everybody:
        empty = "TRUNCATE" if is_postgresql() else "DELETE FROM"
        run(f"{empty} crm_purchasesummary")
    else:
        run(f"DELETE FROM crm_purchasesummary WHERE TRUE {AMONG}")
    run(_statement("" if everybody else AMONG), [*map(str, Order.NOT_PAID), moment])
    # Who has an order of a later moment will be another one then.
    run(
        "INSERT INTO crm_purchasechange (customer_id)"
        " SELECT DISTINCT customer_id FROM crm_order WHERE placed_at > %s",
        [moment],
    )
    if is_postgresql() and everybody:
        run("ANALYZE crm_purchasesummary")
    return everybody


def fold_everything(*, as_of: datetime) -> None:
    """Forget all summaries and fold all orders."""
    PurchaseChange.objects.create(customer_id=None)
    fold(as_of=as_of)


def waiting(*, as_of: datetime) -> bool:
    """Whether a fold would find anything to do."""
    if PurchaseChange.objects.filter(customer_id=None).exists():
        return True
    later = Order.objects.filter(placed_at__gt=as_of).values("customer")
    return PurchaseChange.objects.exclude(customer_id__in=later).exists()


def _statement(among: str) -> str:
    day, money = DAY[connection.vendor].format, MONEY[connection.vendor]
    first, last = day(f"MIN({BOUGHT})"), day(f"MAX({BOUGHT})")
    return FOLD.format(first=first, last=last, day=day("placed_at"), money=money, among=among)


def _take(moment: Any) -> bool:
    """Write down who is to be folded, and that they no longer wait; whether it is everybody."""
    keep_for_now("purchases_taken", "id bigint, customer_id bigint")
    keep_for_now("purchases_changed", "customer_id bigint")
    run("INSERT INTO purchases_taken SELECT id, customer_id FROM crm_purchasechange")
    # Only what was seen is deleted: a change whose writer commits a moment later still waits.
    run("DELETE FROM crm_purchasechange WHERE id IN (SELECT id FROM purchases_taken)")
    run(
        "INSERT INTO purchases_changed"
        " SELECT customer_id FROM purchases_taken WHERE customer_id IS NOT NULL"
        " UNION SELECT customer_id FROM crm_order WHERE placed_at > %s",
        [moment],
    )
    if is_postgresql():
        run("ANALYZE purchases_changed")
    [(of_all, few)] = rows(
        "SELECT EXISTS (SELECT 1 FROM purchases_taken WHERE customer_id IS NULL),"
        " (SELECT COUNT(*) FROM purchases_changed)"
    )
    return bool(of_all) or few * MANY > PurchaseSummary.objects.count()


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def keep_for_now(table: str, columns: str) -> None:
    """A table that nobody else sees, until the transaction ends or it is asked for again."""
    end = " ON COMMIT DROP" if is_postgresql() else ""
    run(f"DROP TABLE IF EXISTS {table}")
    run(f"CREATE TEMPORARY TABLE {table} ({columns}){end}")


def run(sql: str, params: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return int(cursor.rowcount)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchall())
