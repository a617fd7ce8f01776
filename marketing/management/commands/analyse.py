"""The analyst's bench: the product's own estimators on a CSV, without touching the database."""

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.analysis import UnusableInput
from marketing import learning


class Command(BaseCommand):
    help = "Analyse files; print one JSON object as the last line."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = parser.add_subparsers(dest="subject", required=True, metavar="SUBJECT")
        for name, subject in learning.subjects().items():
            subject.add_arguments(choices.add_parser(name, help=subject.help))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = learning.analyse(options["subject"], Namespace(**options))
        except UnusableInput as refusal:
            raise CommandError(str(refusal)) from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from None
        if report is not None:
            self.stdout.write(json.dumps(report, ensure_ascii=False, default=str))
