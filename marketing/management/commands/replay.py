"""Make a decision again from its log alone, and say where it differs."""

import json
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from campaigns.decisions import replaying
from campaigns.models import Decision

SHOWN = 20  # of the decisions that differ
AT_ONCE = 500


class Command(BaseCommand):
    help = "DECISION again from its log alone: same action, propensity, reasons. Or many at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("decision", nargs="?", metavar="DECISION", help="its public id")
        which.add_argument("--last", type=int, metavar="N", help="the newest N decisions")
        which.add_argument("--all", action="store_true", help="every decision")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["decision"]:
            is_same = self._one(options["decision"])
        else:
            is_same = self._many(options["last"])
        if not is_same:
            sys.exit(1)

    def _one(self, public_id: str) -> bool:
        try:
            found = replaying.rows().filter(public_id=UUID(public_id)).first()
        except ValueError:
            raise CommandError(f"{public_id}: not the id of a decision") from None
        if found is None:
            raise CommandError(f"no decision is called {public_id}")
        again = replaying.replay(found)
        self._print(
            {
                "decision": again.decision,
                "is_same": again.is_same,
                "action": again.action,
                "propensity": again.propensity,
                "policy": again.policy,
                "reasons": again.reasons,
                "words": again.words,
                "differs": _differences(again),
            }
        )
        return again.is_same

    def _many(self, last: int | None) -> bool:
        if last is not None and last < 1:
            raise CommandError("--last: a number of at least 1")
        newest = Decision.objects.order_by("-pk")
        chosen = replaying.rows(newest if last is None else newest[:last])
        number, apart = 0, []
        for again in replaying.replay_all(chosen.iterator(AT_ONCE)):
            number += 1
            if not again.is_same:
                apart.append({"decision": again.decision, "differs": _differences(again)})
            if number % 1_000 == 0:
                self.stderr.write(f"{number:,} replayed, {len(apart):,} differ")
        report = {"replayed": number, "same": number - len(apart), "different": len(apart)}
        self._print(report | {"differs": apart[:SHOWN]})
        return not apart

    def _print(self, report: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(report, ensure_ascii=False, default=str))


def _differences(again: replaying.Replayed) -> dict[str, dict[str, Any]]:
    return {name: {"logged": log, "replayed": now} for name, (log, now) in again.differs.items()}
