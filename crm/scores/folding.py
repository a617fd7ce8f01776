"""What every customer bought, kept as one row each: only whose orders changed is looked at.

Set-wise, in a handful of statements however many customers; nobody's orders pass through Python.
New orders are added to the row, so that a day costs what the day holds, however long the history.
Whoever has another change (a late order, a cancellation, a merge) is folded anew from all of their
own orders: no such case needs code of its own, and folding twice is folding once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from crm.models import Order, PurchaseChange
from crm.statements import is_postgresql, keep_for_now, one_at_a_time, rows, run, with_memory

LOCK = 7_309_152  # any number that is only ours
MANY = 5  # one buyer in so many changed: folding all of them is cheaper
AMONG = "AND customer_id IN (SELECT customer_id FROM purchases_changed)"
ANEW = "AND customer_id IN (SELECT customer_id FROM purchases_anew)"
# Refunds have negative totals: they take money, and are no purchase. Days are counted by a sort,
# which spills to the disk where it does not fit into memory. What still waits to be added is left
# out: its change was committed after the others were taken.
FOLD = """
    INSERT INTO crm_purchasesummary AS kept
        (customer_id, currency, first_day, last_day, days, sales, money)
    SELECT crm_order.customer_id, currency, {first}, {last},
        COUNT(DISTINCT CASE WHEN total >= 0 THEN {day} END),
        SUM(CASE WHEN is_refund THEN 0 ELSE 1 END), {money}
    FROM crm_order
    JOIN crm_customer ON crm_customer.id = customer_id AND merged_into_id IS NULL
    WHERE status NOT IN (%s, %s) AND placed_at <= %s AND {among}
    GROUP BY crm_order.customer_id, currency
"""
SETTLED = "crm_order.id NOT IN (SELECT order_id FROM crm_purchasechange WHERE order_id IS NOT NULL)"
ADDED = (
    "crm_order.id IN (SELECT order_id FROM purchases_taken"
    " WHERE customer_id NOT IN (SELECT customer_id FROM purchases_anew))"
)
# No added day lies before the last one known, so that only the first of them may be known already.
ADD = """
    ON CONFLICT (customer_id, currency) DO UPDATE SET
        first_day = COALESCE(kept.first_day, excluded.first_day),
        last_day = COALESCE(excluded.last_day, kept.last_day),
        days = kept.days + excluded.days
            - CASE WHEN excluded.first_day = kept.last_day THEN 1 ELSE 0 END,
        sales = kept.sales + excluded.sales,
        money = {sum}
"""
LATE = """
    SELECT taken.customer_id FROM purchases_taken AS taken
    JOIN crm_order ON crm_order.id = taken.order_id
    JOIN crm_purchasesummary AS kept
        ON kept.customer_id = taken.customer_id AND kept.currency = crm_order.currency
    WHERE total >= 0 AND {day} < kept.last_day
"""
BOUGHT = "CASE WHEN total >= 0 THEN placed_at END"
DAY = {"postgresql": "({} AT TIME ZONE 'UTC')::date", "sqlite": "DATE({})"}
MONEY = {"postgresql": "SUM(total)::float8", "sqlite": "ROUND(SUM(total), 2)"}
SUM = {  # as exact as if the amounts had been added at once: money has two places
    "postgresql": "ROUND((kept.money + excluded.money)::numeric, 2)::float8",
    "sqlite": "ROUND(kept.money + excluded.money, 2)",
}


@contextmanager
def exclusive() -> Iterator[None]:
    """One transaction that no other fold runs beside."""
    with one_at_a_time(LOCK):
        with_memory()
        yield


def fold(*, as_of: datetime) -> int | None:
    """Bring the summaries up to the orders of the moment, in the transaction of `exclusive`.

    Whose summary is a new one stands in the table `purchases_changed` until the transaction
    ends; the answer is how many that are, or None when it is everybody.
    """
    moment = connection.ops.adapt_datetimefield_value(as_of.astimezone(UTC))
    changed = _take(moment)
    params = [*map(str, Order.NOT_PAID), moment]
    if changed is None:
        run(f"{'TRUNCATE' if is_postgresql() else 'DELETE FROM'} crm_purchasesummary")
        run(_statement(FOLD, among=SETTLED), params)
    else:
        _find_anew(moment)
        run(f"DELETE FROM crm_purchasesummary WHERE TRUE {ANEW}")
        run(_statement(FOLD, among=f"{SETTLED} {ANEW}"), params)
        run(_statement(FOLD + ADD, among=ADDED), params)
    # Who has an order of a later moment will be another one then.
    run(
        "INSERT INTO crm_purchasechange (customer_id)"
        " SELECT DISTINCT customer_id FROM crm_order WHERE placed_at > %s",
        [moment],
    )
    if is_postgresql() and changed is None:
        run("ANALYZE crm_purchasesummary")
    return changed


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


def _statement(sql: str, **parts: str) -> str:
    vendor = connection.vendor
    day = DAY[vendor].format
    first, last = day(f"MIN({BOUGHT})"), day(f"MAX({BOUGHT})")
    made = {"first": first, "last": last, "day": day("placed_at"), "money": MONEY[vendor]}
    return sql.format(**made, sum=SUM[vendor], **parts)


def _take(moment: Any) -> int | None:
    """Write down who is to be folded, and that they no longer wait; None when it is everybody."""
    # By key: of a table that fills and empties all day, PostgreSQL does not know how much is in it.
    keep_for_now("purchases_taken", "id bigint PRIMARY KEY, customer_id bigint, order_id bigint")
    keep_for_now("purchases_changed", "customer_id bigint")
    run("INSERT INTO purchases_taken SELECT id, customer_id, order_id FROM crm_purchasechange")
    # Only what was seen is deleted: a change whose writer commits a moment later still waits.
    run("DELETE FROM crm_purchasechange WHERE id IN (SELECT id FROM purchases_taken)")
    run(
        "INSERT INTO purchases_changed"
        " SELECT customer_id FROM purchases_taken WHERE customer_id IS NOT NULL"
        " UNION SELECT customer_id FROM crm_order WHERE placed_at > %s",
        [moment],
    )
    if is_postgresql():
        run("ANALYZE purchases_taken")
        run("ANALYZE purchases_changed")
    [(of_all, few)] = rows(
        "SELECT EXISTS (SELECT 1 FROM purchases_taken WHERE customer_id IS NULL),"
        " (SELECT COUNT(*) FROM purchases_changed)"
    )
    return None if of_all or _are_many(few) else int(few)


def _are_many(few: int) -> bool:
    """Whether so many customers are more than a share of all; no more than need be are counted."""
    enough = f"SELECT 1 FROM crm_purchasesummary LIMIT {few * MANY}"
    return bool(rows(f"SELECT COUNT(*) FROM ({enough}) AS enough")[0][0] < few * MANY)


def _find_anew(moment: Any) -> None:
    """Write down to whom orders cannot just be added."""
    keep_for_now("purchases_anew", "customer_id bigint PRIMARY KEY")
    run(
        "INSERT INTO purchases_anew"
        " SELECT customer_id FROM purchases_taken WHERE order_id IS NULL"
        " UNION SELECT customer_id FROM crm_order WHERE placed_at > %s"
        f" UNION {_statement(LATE)}",
        [moment],
    )
    if is_postgresql():
        run("ANALYZE purchases_anew")
