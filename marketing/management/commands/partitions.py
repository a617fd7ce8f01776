"""`partitions`, `partitions make`, `partitions retire --before 2024-01 [--detach | --drop]`."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm import partitions


class Command(BaseCommand):
    help = "List the months of the timeline (PostgreSQL), make those that are due, retire old ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", nargs="?", default="list", choices=["list", "make", "retire"])
        parser.add_argument("--most", type=int, default=1_000, help="full months to take out")
        parser.add_argument("--before", type=_month, help="retire what is older than this month")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--detach", action="store_true", help="keep them as tables")
        how.add_argument("--drop", action="store_true", help="delete them with their events")

    def handle(self, **options: Any) -> None:
        if not partitions.exist():
            self.stdout.write("SQLite keeps the timeline in one table: nothing to do.")
        elif options["what"] == "make":
            made = partitions.make(timezone.now(), most=options["most"])
            self.stdout.write(json.dumps({"made": made}))
        elif options["what"] == "retire":
            self._retire(options)
        else:
            self._tell(partitions.current())

    def _retire(self, options: dict[str, Any]) -> None:
        if options["before"] is None:
            raise CommandError("say which: --before 2024-01")
        old = partitions.older_than(options["before"])
        self._tell(old)
        if not (options["detach"] or options["drop"]):
            self.stdout.write("Nothing was changed. --detach or --drop does it.")
            return
        for part in old:
            partitions.retire(part, drop=options["drop"])

    def _tell(self, parts: list[partitions.Partition]) -> None:
        for part in parts:
            self.stdout.write(f"{part.name}  about {part.events} events  {part.bytes >> 20} MiB")


def _month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")
