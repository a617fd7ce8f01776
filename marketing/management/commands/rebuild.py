"""Fill what is kept up by small steps anew, from the beginning."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.segments import rebuilding


class Command(BaseCommand):
    help = "Rebuild SUBJECT (segments) in full; --verify fails where the kept state differed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", choices=["segments"])
        parser.add_argument("--verify", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        report = rebuilding.rebuild(
            now=timezone.now(), verify=options["verify"], progress=self.stderr.write
        )
        report["seconds"] = round(time.monotonic() - started, 2)
        self.stdout.write(json.dumps(report, ensure_ascii=False))
        if differing := report.get("differences"):
            names = ", ".join(difference["segment"] for difference in differing)
            raise CommandError(f"{len(differing)} segments were not as their rules say: {names}")
