"""Purchases folded in PostgreSQL: all of them, and a day's; beside the bare GROUP BY of the same run.

CUSTOMERS=1000000 and ORDERS for more. Needs DATABASE_URL of an empty PostgreSQL database.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

CUSTOMERS = int(os.environ.get("CUSTOMERS", "100000"))
ORDERS = int(os.environ.get("ORDERS", str(10 * CUSTOMERS)))
A_DAY = 2_000  # orders
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = """
    INSERT INTO crm_customer (public_id, name, email, phone, language, country, timezone, is_known, traits,
        first_seen_at, last_seen_at)
    SELECT gen_random_uuid(), 'P' || n, '', '', 'en', '', '', true, '{}', %s, %s
    FROM generate_series(1, %s) AS n
"""
# Some buy a hundred times as often as others, over two years, and one order in fifty is a refund.
BOUGHT = """
    INSERT INTO crm_order (number, customer_id, status, is_refund, total, currency, placed_at,
        carrier, address, source)
    SELECT %s || n, ids[1 + floor(%s * power(random(), 2.5))], 'delivered', back,
        CASE WHEN back THEN -1 ELSE 1 END * round(exp(3 + random() * 3)::numeric, 2), 'CNY',
        %s::timestamptz - random() * %s::interval, '', '', 'bench'
    FROM (SELECT n, random() < 0.02 AS back FROM generate_series(1, %s) AS n) AS numbers,
        (SELECT array_agg(id) AS ids FROM crm_customer) AS everybody
"""
FLOOR = """
    SELECT customer_id, MIN(placed_at), MAX(placed_at), COUNT(*), SUM(total)
    FROM crm_order GROUP BY customer_id
"""


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 2)


def run(sql: str, params: list[Any] | None = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def generate() -> None:
    run("SELECT setseed(0.5)")
    run(PEOPLE, [NOW, NOW, CUSTOMERS])
    run("ALTER TABLE crm_order DISABLE TRIGGER USER")  # what is measured is the fold
    run(BOUGHT, ["A", CUSTOMERS, NOW, "730 days", ORDERS])
    run("ALTER TABLE crm_order ENABLE TRIGGER USER")
    run("INSERT INTO crm_purchasechange (customer_id) VALUES (NULL)")
    run("VACUUM ANALYZE")


def a_day(name: str, later: datetime) -> None:
    run(BOUGHT, [name, CUSTOMERS, later, "12 hours", A_DAY])


def summaries_alone(later: datetime) -> None:
    """A day's fold without what follows from it; taken back, so that it waits still."""
    from django.db import transaction

    from crm.scores import folding

    with folding.exclusive():
        folding.fold(as_of=later)
        transaction.set_rollback(True)


def measured() -> dict[str, Any]:
    from crm import scores
    from crm.models import Score
    from crm.scores import folding

    def all_folded() -> None:
        with folding.exclusive():
            folding.fold(as_of=NOW)

    figures: dict[str, Any] = {"customers": CUSTOMERS, "orders": ORDERS}
    figures["bare_group_by_seconds"] = timed(lambda: run(f"CREATE TEMPORARY TABLE bare AS {FLOOR}"))
    figures["all_orders_folded_seconds"] = timed(all_folded)
    figures["refresh_rfm_seconds"] = timed(lambda: scores.refresh_rfm(as_of=NOW, now=NOW))
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    run("VACUUM ANALYZE")
    for day in (1, 2, 3):
        later = NOW + timedelta(hours=12 * day)
        written = timed(lambda d=day, at=later: a_day(f"D{d}-", at))
        alone = timed(lambda at=later: summaries_alone(at))
        whole = timed(lambda at=later: scores.fold_rfm(now=at))
        figures[f"day_{day}"] = {
            "orders_written_seconds": written,
            "summaries_folded_seconds": alone,
            "with_scores_and_segments_seconds": whole,
            "scores_written": Score.objects.filter(name="rfm", at=later).count(),
        }
    figures["nothing_new_seconds"] = timed(lambda: scores.fold_rfm(now=later))
    ratio = figures["all_orders_folded_seconds"] / figures["bare_group_by_seconds"]
    return figures | {"ratio_to_bare_group_by": round(ratio, 1)}


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from crm.models import Customer

    if connection.vendor != "postgresql":
        print(json.dumps({"skipped": "DATABASE_URL names no PostgreSQL"}))
        return
    call_command("migrate", verbosity=0)
    if Customer.objects.exists():
        print(json.dumps({"skipped": "this database is in use, and the bench empties it"}))
        return
    generate()
    figures = measured()
    call_command("flush", interactive=False, verbosity=0)
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
