"""Back-test the champion now: how it does on the latest part of the data."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.training import Order, TooLittleData
from marketing import learning


class Command(BaseCommand):
    help = "Back-test the champion of NAME on the newest data; nothing is saved or promoted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        name, known = options["name"], learning.trainers()
        if name not in known:
            raise CommandError(f"nothing that learns is called {name}; {sorted(known)}")
        now = timezone.now()
        try:
            report = learning.train(name, Order(as_of=now, now=now, keep=False))
        except TooLittleData as refusal:
            raise CommandError(f"{name}: {refusal}") from None
        if report["champion_metrics"] is None:
            raise CommandError(f"{name} has no champion to evaluate")
        shown = {
            "name": name,
            "metrics": report["champion_metrics"],
            "baseline_metrics": report["baseline_metrics"],
            "retrained_metrics": report["metrics"],
            "rows": report["rows"],
            "seconds": report["seconds"],
        }
        self.stdout.write(json.dumps(shown, ensure_ascii=False, default=str))
