"""`events count --source KEY [--since TIME]`: what became of what a source sent."""

import argparse
import json
import sys
from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from crm.models import DeadLetter, Event, Source


class Command(BaseCommand):
    help = "Count the events of a source: stored, rejected, waiting to be handed over."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("what", choices=["count"])
        parser.add_argument("--source", required=True, help="write key or name of the source")
        parser.add_argument("--since", help="only what was received at or after this time")

    def handle(self, **options: Any) -> None:
        key = options["source"]
        source = Source.objects.filter(Q(write_key=key) | Q(name=key)).first()
        if source is None:
            raise CommandError(f"no source has the write key or name {key!r}")
        events = Event.objects.filter(source=source.name)
        dead = DeadLetter.objects.filter(source=source)
        if options["since"]:
            since = _moment(options["since"])
            events, dead = (
                events.filter(received_at__gte=since),
                dead.filter(received_at__gte=since),
            )
        report = {
            "source": source.name,
            "stored": events.count(),
            "duplicate": source.duplicates,
            "rejected": dead.count(),
            "waiting": events.waiting().count(),
        }
        sys.stdout.write(json.dumps(report) + "\n")


def _moment(text: str) -> datetime:
    try:
        at = parse_datetime(text)
        if at is None and (day := parse_date(text)):
            at = datetime.combine(day, time())
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"--since {text!r} is not a time (write 2026-01-31T13:45:00Z)")
    return at if timezone.is_aware(at) else timezone.make_aware(at)
