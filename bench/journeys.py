"""Journeys at size: everybody who waits becomes due at once.

    python -m bench.journeys [--people N]

A wait, a split by rule, a message: N people are due in the same moment, and one process moves them
on, which queues a message for each whom the rule describes. On the database of DATABASE_URL, a
scratch one (default: SQLite in a temporary folder). Statements are of one batch.
"""

import argparse
import json
import sys
import time
from datetime import timedelta

from bench.scratch import scratch_shop

LATER = timedelta(hours=1)


def prepare(people):
    """A live journey with people who have waited an hour, written in bulk."""
    from django.db import connection

    from campaigns.journeys import steering
    from campaigns.models import Journey, Passage
    from crm.models import Customer
    from tests.campaigns.world import make_template
    from tests.factories import NOON, make_topic

    rule = {"field": "language", "op": "=", "value": "en"}
    draft = {
        "nodes": [
            {"id": "entry", "kind": "entry", "trigger": "api", "next": "pause"},
            {"id": "pause", "kind": "wait", "mode": "duration", "minutes": 60, "next": "split"},
            {
                "id": "split",
                "kind": "split",
                "mode": "rule",
                "rule": rule,
                "next": "mail",
                "otherwise": "end",
            },
            {
                "id": "mail",
                "kind": "message",
                "template": make_template().pk,
                "channel": "email",
                "next": "end",
            },
            {"id": "end", "kind": "exit"},
        ]
    }
    journey = Journey.objects.create(name="Bench", topic=make_topic(), draft=draft)
    steering.launch(journey, now=NOON)
    seen = {"is_known": True, "first_seen_at": NOON, "last_seen_at": NOON}
    for start in range(0, people, 10_000):
        made = Customer.objects.bulk_create(
            Customer(
                name=f"Ada{n}",
                email=f"a{n}@example.org",
                language="zh-hans" if n % 5 == 0 else "en",
                **seen,
            )
            for n in range(start, min(start + 10_000, people))
        )
        Passage.objects.bulk_create(
            Passage(
                journey=journey,
                version=journey.version,
                customer=one,
                key="bench",
                node="pause",
                rests=True,
                since=NOON,
                due_at=NOON + LATER,
                steps_taken=2,
                entered_at=NOON,
            )
            for one in made
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the server does by itself
    return journey, NOON + LATER


def measure(people):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from campaigns.journeys import engine
    from campaigns.models import Delivery, Passage

    journey, due = prepare(people)
    with CaptureQueriesContext(connection) as seen:
        first = engine.advance(journey.version, now=due)
    wall, cpu = time.perf_counter(), time.process_time()
    engine.advance_all(now=due)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert not Passage.objects.walking().exists()
    assert Delivery.objects.count() == people - -(-people // 5)
    return {
        "people": people,
        "a_batch": first,
        "statements_of_a_batch": len(seen),
        "seconds": round(wall, 1),
        "people_per_second": round((people - first) / wall),
        "cpu_ms_each": round(cpu / (people - first) * 1000, 3),
        "on": connection.vendor,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=20_000)
    arguments = parser.parse_args()
    with scratch_shop(DEBUG="0", CELERY_BROKER_URL="memory://", LOG_LEVEL="ERROR"):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        figures = measure(arguments.people)
    for name, figure in figures.items():
        print(f"{name:24} {figure}", file=sys.stderr)
    print(json.dumps({"journeys": figures}))


if __name__ == "__main__":
    main()
