"""How fast customers are imported: validated, matched with those who are there, written, reported.

Beside the floor of the same run: the same rows put into the same tables as they are, by COPY on
PostgreSQL and by one prepared statement a table on SQLite. CUSTOMERS=1000000 for the whole.
"""

import csv
import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

COUNT = int(os.environ.get("CUSTOMERS", "100000"))
HEADER = ["user_id", "email", "phone", "name", "language", "country", "trait.city"]
NAMES = ["Ada Lovelace", "李雷", "韩梅梅", "Zoë Müller", "Maria Rossi", "Chen Wang"]
CHUNK = 20_000


def generate(path: Path) -> None:
    rng = random.Random(7)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n in range(COUNT):
            phone = f"1{rng.randrange(3, 10)}{n:09d}"
            writer.writerow(
                [f"c{n}", f"person{n}@example{n % 97}.org", phone, rng.choice(NAMES)]
                + [
                    rng.choice(["en", "zh"]),
                    rng.choice(["DE", "CN"]),
                    rng.choice(["北京", "Berlin"]),
                ]
            )


def floor(path: Path, now: str) -> None:
    """The rows as they are: nothing checked, nothing looked up."""
    from django.db import transaction

    from crm import bulk
    from crm.loaders.people import FIELDS, _row
    from crm.models import Customer, Evidence, Identity

    columns = ("id", "public_id", *FIELDS, "is_known", "first_seen_at", "last_seen_at")
    names = ("id", "customer", "kind", "value", "source", "first_seen_at")
    edge = ("one", "other", "kind", "source", "strength", "at")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        with transaction.atomic():
            bulk.hasten()
            ids = bulk.reserve(Customer, len(some))
            keys = bulk.reserve(Identity, 3 * len(some))
            people, identities, edges = [], [], []
            for place, (pk, row) in enumerate(zip(ids, some, strict=True)):
                values = {
                    "name": row[3],
                    "email": row[1],
                    "phone": row[2],
                    "traits": {"city": row[6]},
                }
                people.append((pk, uuid4().hex, *_row(values), True, now, now))
                own = keys[3 * place : 3 * place + 3]
                for key, kind, value in zip(own, HEADER, row, strict=False):
                    identities.append((key, pk, kind, value, "import", now))
                edges += [(own[0], key, "import", "import", 0.7, now) for key in own[1:]]
            bulk.insert(Customer, columns, people)
            bulk.insert(Identity, names, identities)
            bulk.insert(Evidence, edge, edges)


def timed(work) -> dict:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from crm.loaders import customers_csv
    from crm.loading import Report
    from crm.models import Customer

    call_command("migrate", verbosity=0)
    if Customer.objects.exists():
        print(json.dumps({"skipped": "this database is in use, and the bench empties it"}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        generate(path)
        call_command("flush", interactive=False, verbosity=0)
        figures = {"customers": COUNT, "database": connection.vendor}
        figures["floor"] = timed(lambda: floor(path, "2026-01-01 00:00:00"))
        call_command("flush", interactive=False, verbosity=0)
        for name in ("first", "again"):
            report, now = Report(), timezone.now()
            figures[name] = timed(lambda r=report, n=now: customers_csv.load(path, r, now=n))
            counts = report.as_json()
            figures[name] |= {key: counts[key] for key in ("read", "created", "unchanged")}
    figures["ratio_to_floor"] = round(figures["first"]["seconds"] / figures["floor"]["seconds"], 2)
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
