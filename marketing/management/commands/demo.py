"""`demo [--customers N] [--seed S]`: fill an empty database with the demo shop."""

import argparse
import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from marketing import demo

MOST = 1_000_000


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST:,}")
    return int(text)


class Command(BaseCommand):
    help = "Fill an empty database with the demo shop. Running it again changes nothing."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--customers", type=_count, default=2000)
        parser.add_argument("--seed", type=int, default=7)

    def handle(self, **options: Any) -> None:
        started = time.monotonic()
        try:
            made = demo.fill(
                customers=options["customers"], seed=options["seed"], now=timezone.now()
            )
        except demo.NotEmpty as reason:
            sys.stderr.write(f"Nothing to do: {reason}.\n")
            made = {}
        report = {"created": made, "seconds": round(time.monotonic() - started, 2)}
        sys.stdout.write(json.dumps(report) + "\n")
