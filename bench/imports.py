"""How fast Online Retail loads, beside a bare read of the same file with the csv module."""

import csv
import gzip
import io
import json
import os
import resource
import sys
import time
from pathlib import Path

FILE = Path("../shared/data/online_retail/online_retail.csv.gz")


def bare_read() -> float:
    started = time.process_time()
    with gzip.open(FILE) as binary:
        for _ in csv.reader(io.TextIOWrapper(binary, "utf-8")):
            pass
    return time.process_time() - started


def main() -> None:
    if not FILE.exists():
        print(json.dumps({"skipped": "the public data is not there"}))
        return
    floor = bare_read()
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from crm.loaders import online_retail
    from crm.loading import Report

    call_command("migrate", verbosity=0)
    figures = {}
    for name in ("first", "again"):
        report, wall, cpu = Report(), time.perf_counter(), time.process_time()
        online_retail.load(FILE, report, now=timezone.now())
        spent = time.process_time() - cpu
        figures[name] = {
            "seconds": round(time.perf_counter() - wall, 1),
            "cpu_seconds": round(spent, 1),
            "ratio_to_csv_read": round(spent / floor, 1),
            **{key: report.as_json()[key] for key in ("read", "created", "unchanged", "rejected")},
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures | {"csv_read_cpu_seconds": round(floor, 2), "peak_mb": round(peak)}))


if __name__ == "__main__":
    sys.exit(main())
