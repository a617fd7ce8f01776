"""A hundred rules of ten kinds on PostgreSQL: filled, rebuilt, and kept up while events come in.

DATABASE_URL=postgres://… python -m bench segments: 100,000 customers with five million events by
month, or ten times that with SEGMENTS_FULL=1 (30 GB of disk, half an hour). It makes a database of its own on that server and drops it
afterwards. The floor is the bare counting query of each rule, in the same run.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

CUSTOMERS = 1_000_000 if os.environ.get("SEGMENTS_FULL") else 100_000
EVENTS, ORDERS = 50 * CUSTOMERS, CUSTOMERS
CHUNK = 5_000_000  # events in one statement
DATABASE = "bench_segments"
SECONDS, EVERY, EACH = (
    int(os.environ.get("STREAM_SECONDS", 60)),
    0.1,
    50,
)  # so many events each tenth of a second
PROBES = 5  # of those, from customers who come into a segment by them
KINDS = ("crm.product_viewed", "crm.cart_added", "crm.searched", "crm.paged", "crm.mailed")
DATA = (
    "SELECT setseed(0.5)",
    """INSERT INTO crm_customer (public_id, name, email, phone, language, country, timezone, traits,
        is_known, first_seen_at, last_seen_at)
    SELECT gen_random_uuid(), 'customer ' || i, i || '@example.org', '', 'en',
        (ARRAY['France','Spain','Italy','Peru','Chile','Kenya','Japan','India','Ghana','Malta'])
            [1 + floor(10 * power(random(), 2))],
        '', jsonb_build_object('plan', 'p' || floor(random() * 20), 'age', floor(random() * 80)),
        random() < 0.5, now() - interval '400 days', now() - random() * interval '365 days'
    FROM generate_series(1, {customers}) i""",
    """INSERT INTO crm_order (number, status, is_refund, total, currency, placed_at, carrier,
        address, source, customer_id)
    SELECT i::text, 'delivered', false, round((random() * 500)::numeric, 2), 'CNY',
        now() - (1 - i / {orders}.0) * interval '365 days', '', '', 'bench',
        1 + floor({customers} * power(random(), 1.5))
    FROM generate_series(1, {orders}) i""",
    """INSERT INTO crm_score (customer_id, name, value, label, detail, version, at)
    SELECT id, 'rfm', round((random() * 100)::numeric), 'l' || floor(random() * 10), '{{}}', 'b',
        now() FROM crm_customer""",
    "INSERT INTO crm_topic (slug, name_en, name_zh) SELECT 't' || i, '', '' FROM"
    " generate_series(0, 4) i",
    """INSERT INTO crm_consent (customer_id, channel, topic_id, is_granted, changed_at)
    SELECT c.id, 'email', t.id, random() < 0.5, now() FROM crm_customer c, crm_topic t
    WHERE random() < 0.3""",
)


MONTHS = "SELECT crm_event_month((now() - make_interval(months => n))::date) FROM generate_series(0, 13) n"
# As they came: chunk after chunk, each in the order of happening.
SOME_EVENTS = """INSERT INTO crm_event (kind, name, source, message_id, data, happened_at,
        received_at, dispatched_at, customer_id)
    SELECT ('{{{kinds}}}'::text[])[1 + floor(5 * random())], '', 'bench', i::text,
        jsonb_build_object('category', 'c' || floor(random() * 20), 'price', floor(random() * 500)),
        at, at, at, 1 + floor({customers} * power(random(), 1.5))
    FROM (SELECT i, now() - (1 - i / {events}.0) * interval '365 days' AS at
        FROM generate_series({first}, {last}) i) as_they_came"""
KEYS = "INSERT INTO crm_event_key SELECT source, message_id, id, happened_at FROM crm_event"
INDEXES = """SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE indrelid = 'crm_event'::regclass AND NOT indisprimary"""


def rules() -> dict[str, list[dict[str, Any]]]:
    """Ten rules of each of ten kinds."""
    tens = range(10)
    countries = ("France", "Spain", "Italy", "Peru", "Chile", "Kenya", "Japan", "India", "Ghana")
    seen = {"field": "days_since_seen", "op": "<"}
    event = {"op": ">="}
    return {
        "field": [{"field": "country", "op": "=", "value": name} for name in countries]
        + [seen | {"value": 30}],
        "trait": [{"trait": "plan", "op": "=", "value": f"p{i}"} for i in tens],
        "event": [
            event | {"event": KINDS[i % 5], "count": 1 + i // 5, "days": (7, 30, 90)[i % 3]}
            for i in tens
        ],
        "property": [
            event | {"event": KINDS[i % 5], "count": 1, "days": 60, "where": where("category", i)}
            for i in tens
        ],
        "orders": [
            {"orders": ("count", "total")[i % 2], "op": ">", "value": (1, 400)[i % 2] * (1 + i / 4),
             "days": 90 + 30 * i} for i in tens
        ],
        "score": [{"score": "rfm", "op": ">=", "value": 70 + 3 * i} for i in tens],
        "label": [{"score": "rfm", "label": f"l{i}"} for i in tens],
        "consent": [
            {"consent": "email", "topic": f"t{i % 5}", "granted": i < 5} for i in tens
        ],
        "share": [{"random": {"percent": 2 + 2 * i, "salt": f"s{i}"}} for i in tens],
        "combined": [
            {"all": [{"segment": f"event-{i}"}, {"not": {"segment": f"field-{i}"}},
                     {"orders": "count", "op": ">=", "value": 1, "days": 180}]} for i in tens
        ],
    }  # fmt: skip


def where(name: str, number: int) -> list[dict[str, Any]]:
    return [{"property": name, "op": "=", "value": f"c{number}"}]


def psql(server: str, *statements: str) -> None:
    import psycopg2

    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def start() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
    import django

    django.setup()


def prepare(database: str) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    sizes = {"customers": CUSTOMERS, "events": EVENTS, "orders": ORDERS, "kinds": ",".join(KINDS)}
    psql(database, MONTHS, *(statement.format(**sizes) for statement in DATA))
    fill_events(database, sizes)


def fill_events(database: str, sizes: dict[str, Any]) -> None:
    """Without triggers and indexes, which come afterwards: a day's work in some minutes."""
    import psycopg2

    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for first in range(1, EVENTS + 1, CHUNK):
            last = min(first + CHUNK - 1, EVENTS)
            cursor.execute(SOME_EVENTS.format(first=first, last=last, **sizes))
            print(f"{last:,} events", file=sys.stderr)
        cursor.execute(KEYS)
        for _, definition in indexes:
            cursor.execute(definition.replace(" ON ONLY ", " ON "))  # and on its months
        cursor.execute("VACUUM ANALYZE")


def make() -> None:
    from crm.models import Segment

    for kind, some in rules().items():
        for number, rule in enumerate(some):
            slug = f"{kind}-{number}"
            Segment.objects.create(slug=slug, name_en=slug, kind="rule", rule=rule)


def filled() -> dict[str, float]:
    """Every rule anew, parents first: the passes over rows that rules share, then each rule."""
    from django.utils import timezone

    from crm.segments import keeping, membership, tallies

    took: dict[str, float] = defaultdict(float)
    now = timezone.now()
    for rules in keeping.batches(keeping.readable()):
        with membership.exclusive():
            started = time.perf_counter()
            known = tallies.tally([rule.part for rule in rules], now=now)
            took["passes"] += time.perf_counter() - started
            for rule in rules:
                spent = seconds(
                    lambda rule=rule, known=known: keeping.fill(rule, now=now, known=known)
                )
                took[rule.segment.slug.partition("-")[0]] += spent
    return totals(took)


def counted() -> dict[str, float]:
    """The floor: how many fit, asked once of each rule, and nothing written."""
    from django.utils import timezone

    from crm.segments import compiling, keeping

    took: dict[str, float] = defaultdict(float)
    now = timezone.now()
    for slug, rule in keeping.readable().items():
        fitting = compiling.customers(rule.part, now=now)
        took[slug.partition("-")[0]] += seconds(fitting.count)
    return totals(took)


def totals(took: dict[str, float]) -> dict[str, float]:
    return {"seconds": round(sum(took.values()), 2)} | {k: round(v, 2) for k, v in took.items()}


def stream() -> dict[str, float]:
    """500 events a second from another process; from each commit until the member is there."""
    import numpy as np
    from django.utils import timezone

    from crm.models import Membership, Segment
    from crm.segments import keeping, touches

    rule = {"event": "bench.probe", "op": ">=", "count": 1, "days": 7}
    probe = Segment.objects.create(slug="probe", name_en="probe", kind="rule", rule=rule)
    keeping.refresh(probe, now=timezone.now())
    Segment.objects.update(refill_at=None)
    visible: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as told:  # a pipe would fill up, and the writer wait
        writer = subprocess.Popen([sys.executable, __file__, "write"], stdout=told)
        last, drained = 0, None
        while writer.poll() is None or drained is not None:
            drained = keeping.drain(now=timezone.now())
            rows = Membership.objects.filter(segment=probe, pk__gt=last).order_by("pk")
            for last, customer in rows.values_list("pk", "customer_id"):  # noqa: B007
                visible[customer] = time.time()
            if drained is None:
                time.sleep(touches.LULL)
        told.seek(0)
        written = json.load(told)
    waits = [visible[int(pk)] - at for pk, at in written["committed"].items()]
    p50, p95, p99 = np.percentile(waits, [50, 95, 99])
    return {
        "events_a_second": round(written["events"] / written["seconds"]),
        "p50_seconds": round(float(p50), 3),
        "p95_seconds": round(float(p95), 3),
        "p99_seconds": round(float(p99), 3),
    }


def write() -> None:
    """Batches as they come, through the door of the timeline; each tenth event is a probe."""
    import random

    from django.utils import timezone

    from crm import timeline
    from crm.segments import touches

    touches.wake = lambda: None  # the process that drains looks by itself
    draw, committed, began = random.Random(0), {}, time.time()
    rounds = int(SECONDS / EVERY)
    for number in range(rounds):
        probes = range(1 + number * PROBES, 1 + (number + 1) * PROBES)
        others = [draw.randint(1, CUSTOMERS) for _ in range(EACH - PROBES)]
        told = [("bench.probe", pk) for pk in probes] + [(draw.choice(KINDS), pk) for pk in others]
        now = timezone.now()
        entries = [
            timeline.Entry(
                customer_id=pk,
                kind=kind,
                data={"category": f"c{draw.randrange(20)}"},
                happened_at=now,
                message_id=f"stream-{number}-{place}",
                source="bench",
            )
            for place, (kind, pk) in enumerate(told)
        ]
        timeline.record_many(entries, received_at=now)
        committed |= dict.fromkeys(probes, time.time())
        time.sleep(max(0.0, began + (number + 1) * EVERY - time.time()))
    spent = time.time() - began
    print(json.dumps({"events": rounds * EACH, "seconds": spent, "committed": committed}))


def measure(database: str) -> dict[str, Any]:
    prepare(database)
    make()
    first = filled()
    psql(database, "VACUUM ANALYZE")
    floor, again = counted(), filled()
    return {
        "customers": CUSTOMERS,
        "events": EVENTS,
        "first_fill": first,
        "rebuild": again,
        "counting_only": floor,
        "rebuild_ratio_to_counting": round(again["seconds"] / floor["seconds"], 2),
        "stream": stream(),
    }


def main() -> None:
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        print(json.dumps({"skipped": "DATABASE_URL names no PostgreSQL"}))
        return
    database = urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
    os.environ["DATABASE_URL"] = database
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    psql(server, drop, f"CREATE DATABASE {DATABASE}")
    start()
    try:
        print(json.dumps(measure(database)))
    finally:
        psql(server, drop)


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        start()
        write()
    else:
        main()
