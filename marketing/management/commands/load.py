"""Imports: `load FORMAT PATH… [--dry-run] [--rejects FILE]`."""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from crm.loading import Report, UnusableFile
from marketing import loaders


class Command(BaseCommand):
    help = "Import a file. Prints what was created, updated, unchanged and rejected as JSON."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("format", choices=sorted(loaders.LOADERS))
        parser.add_argument("path", nargs="+", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="check, and change nothing")
        parser.add_argument("--rejects", type=Path, help="write rejected rows to this CSV file")

    def handle(self, **options: Any) -> None:
        report = Report()
        try:
            if options["rejects"] is None:
                self._load(report, options)
            else:
                with options["rejects"].open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerow(["line", "reason", "row"])
                    report.rejects = file
                    self._load(report, options)
        except UnusableFile as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from None
        sys.stdout.write(json.dumps(report.as_json()) + "\n")

    def _load(self, report: Report, options: dict[str, Any]) -> None:
        load = loaders.LOADERS[options["format"]]
        now = timezone.now()
        for path in options["path"]:
            if not options["dry_run"]:
                load(path, report, now=now)
                continue
            with transaction.atomic():
                load(path, report, now=now)
                transaction.set_rollback(True)
