"""Purchases folded in PostgreSQL: all of them, a day's, one; beside the bare statement of the same run.

A day is one order for every fiftieth customer, all at once. Folding it is all of `fold_rfm`, in one
transaction: summaries, scores, members of the label segments with their reasons, and what is told
on the timeline. Its floor is the bare upsert of that day's sums into a table of one row each.
CUSTOMERS=1000000 and ORDERS for more. Needs DATABASE_URL of an empty PostgreSQL database.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

CUSTOMERS = int(os.environ.get("CUSTOMERS", "100000"))
ORDERS = int(os.environ.get("ORDERS", str(10 * CUSTOMERS)))
A_DAY = CUSTOMERS // 50  # orders
SINGLY = 40  # orders that are folded one by one
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
    SELECT %s || n, ids[1 + floor(%s * power(random(), 1.5))], 'delivered', back,
        CASE WHEN back THEN -1 ELSE 1 END * round(exp(3 + random() * 3)::numeric, 2), 'CNY',
        %s::timestamptz - random() * %s::interval, '', '', 'bench'
    FROM (SELECT n, random() < 0.02 AS back FROM generate_series(1, %s) AS n) AS numbers,
        (SELECT array_agg(id) AS ids FROM crm_customer) AS everybody
"""
FLOOR = """
    SELECT customer_id, MIN(placed_at) AS first, MAX(placed_at) AS last, COUNT(*) AS orders,
        SUM(total) AS money
    FROM crm_order {where} GROUP BY customer_id
"""
DAY_FLOOR = f"""
    INSERT INTO bare {FLOOR.format(where="WHERE placed_at > %s")}
    ON CONFLICT (customer_id) DO UPDATE SET last = excluded.last,
        orders = bare.orders + excluded.orders, money = bare.money + excluded.money
"""


def timed(work: Callable[[], Any], places: int = 2) -> float:
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, places)


def run(sql: str, params: list[Any] | None = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def generate() -> None:
    run("SELECT setseed(0.5)")
    run("SET session_replication_role = replica")  # no triggers: what is measured is the fold
    run(PEOPLE, [NOW, NOW, CUSTOMERS])
    run(BOUGHT, ["A", CUSTOMERS, NOW, "730 days", ORDERS])
    run("SET session_replication_role = origin")
    run("INSERT INTO crm_purchasechange (customer_id) VALUES (NULL)")
    run("VACUUM ANALYZE")


def orders(name: str, later: datetime, count: int) -> None:
    """Orders of the twelve hours before, written as any writer would."""
    run(BOUGHT, [name, CUSTOMERS, later, "12 hours", count])


def summaries_alone(later: datetime) -> None:
    """A day's fold without what follows from it; taken back, so that it waits still."""
    from django.db import transaction

    from crm.scores import folding

    with folding.exclusive():
        folding.fold(as_of=later)
        transaction.set_rollback(True)


def a_day(number: int, later: datetime) -> dict[str, Any]:
    from crm import scores
    from crm.models import Event, Score

    written = timed(lambda: orders(f"D{number}-", later, A_DAY))
    floor = timed(lambda: run(DAY_FLOOR, [later - timedelta(hours=12)]))
    alone = timed(lambda: summaries_alone(later))
    whole = timed(lambda: scores.fold_rfm(now=later))
    return {
        "orders_written_seconds": written,
        "bare_upsert_seconds": floor,
        "summaries_folded_seconds": alone,
        "with_scores_members_and_facts_seconds": whole,
        "ratio_to_bare_upsert": round(whole / floor, 1),
        "scores_written": Score.objects.filter(name="rfm", at=later).count(),
        "facts_told": Event.objects.filter(happened_at=later).count(),
        "load": round(os.getloadavg()[0], 1),
    }


def one_by_one(later: datetime) -> dict[str, float]:
    """From the committed order to the committed score, member and fact, in seconds."""
    from crm import scores

    took = []
    for number in range(SINGLY):
        at = later + timedelta(minutes=number)
        orders(f"S{number}-", at, 1)
        took.append(timed(lambda moment=at: scores.fold_rfm(now=moment), places=4))
    return {"median_seconds": statistics.median(took), "p95_seconds": sorted(took)[-3]}


def written_again() -> dict[str, Any]:
    """A score of everybody written, the same once more, and with one in fifty another one."""
    from crm.models import Customer
    from crm.scores.writing import Maker, Scored, write

    ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True))

    def given(hours: int, changed: int) -> None:
        rows = (
            Scored(pk, 1.0 + (pk % 50 < changed), {"lower": 0.5, "upper": 2.5, "p_alive": 0.25})
            for pk in ids
        )
        write("bench", rows, by=Maker("bench-1", NOW + timedelta(hours=hours)))

    return {
        "first_seconds": timed(lambda: given(0, 0)),
        "unchanged_seconds": timed(lambda: given(1, 0)),
        "one_in_fifty_changed_seconds": timed(lambda: given(2, 1)),
    }


def measured() -> dict[str, Any]:
    from crm import scores
    from crm.scores import folding

    def all_folded() -> None:
        with folding.exclusive():
            folding.fold(as_of=NOW)

    figures: dict[str, Any] = {"customers": CUSTOMERS, "orders": ORDERS}
    bare = f"CREATE TEMPORARY TABLE bare AS {FLOOR.format(where='')}"
    figures["bare_group_by_seconds"] = timed(lambda: run(bare))
    run("ALTER TABLE bare ADD PRIMARY KEY (customer_id)")
    figures["all_orders_folded_seconds"] = timed(all_folded)
    ratio = figures["all_orders_folded_seconds"] / figures["bare_group_by_seconds"]
    figures["ratio_to_bare_group_by"] = round(ratio, 1)
    figures["refresh_rfm_seconds"] = timed(lambda: scores.refresh_rfm(as_of=NOW, now=NOW))
    run("VACUUM ANALYZE")
    for day in (1, 2, 3):
        figures[f"day_{day}"] = a_day(day, NOW + timedelta(hours=12 * day))
    later = NOW + timedelta(hours=48)
    figures["one_by_one"] = one_by_one(later)
    nothing = timed(lambda: scores.fold_rfm(now=later + timedelta(hours=9)), places=4)
    figures["nothing_new_seconds"] = nothing
    figures["peak_mb_of_the_fold"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures["a_score_of_everybody"] = written_again()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures | {"peak_mb": peak, "load": round(os.getloadavg()[0], 1)}


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
