"""Train, evaluate on later time, save, promote if better."""

import json
import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from crm.training import AlreadyTraining, Order, TooLittleData
from marketing import learning


class Command(BaseCommand):
    help = "Train NAMEs, or everything; print one JSON object with the verdict on each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME")
        parser.add_argument("--as-of", help="see nothing later than this (ISO date or time)")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        known = learning.trainers()
        names = options["names"] or list(known)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise CommandError(f"nothing to train is called {', '.join(unknown)}; {sorted(known)}")
        now = timezone.now()
        order = Order(as_of=moment(options["as_of"]) or now, now=now, seed=options["seed"])
        report = {}
        for name in names:
            self.stderr.write(f"training {name} …")
            started = time.monotonic()
            try:
                report[name] = learning.train(name, order)
            except (AlreadyTraining, TooLittleData) as refusal:
                report[name] = {"artifact": None, "promoted": False, "reason": str(refusal)}
            self.stderr.write(f"  {report[name]['reason']} ({time.monotonic() - started:.1f} s)")
        self.stdout.write(json.dumps(report, ensure_ascii=False, default=str))


def moment(text: str | None) -> datetime | None:
    """An ISO time, or the end of an ISO day; in the present time zone unless it says otherwise."""
    if not text:
        return None
    try:
        day = parse_date(text)
        found = datetime.combine(day, datetime.max.time()) if day else parse_datetime(text)
    except ValueError as error:
        raise CommandError(f"--as-of {text}: {error}") from None
    if found is None:
        raise CommandError(f"--as-of {text}: not an ISO date or time")
    return timezone.make_aware(found) if timezone.is_naive(found) else found
