"""`manage.py play DIALOGUES --store STORE --output FILE`."""

import json
import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chatbot import loading, playing, training
from crm.loading import Report, UnusableFile
from crm.training import Order


class Command(BaseCommand):
    help = "Play recorded customer turns on a throwaway database filled from a store file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dialogues", nargs="?", type=Path)
        parser.add_argument("--store", type=Path)
        parser.add_argument("--output", type=Path)
        parser.add_argument(
            "--inside", action="store_true", help="already in the throwaway database"
        )
        parser.add_argument(
            "--prepare", action="store_true", help="train the shipped classifier here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["prepare"]:
            now = timezone.now()
            training.train_intents(Order(as_of=now, now=now))
            return
        missing = [n for n in ("dialogues", "store", "output") if options[n] is None]
        if missing:
            raise CommandError(f"needed: {', '.join(missing)}", returncode=2)
        try:
            if options["inside"]:
                self._play(options["dialogues"], options["store"], options["output"])
                return
            loading.read_store(options["store"])
            playing.read(options["dialogues"])
        except (UnusableFile, playing.UnusableDialogues) as error:
            raise CommandError(str(error)) from None
        paths = [str(options["dialogues"].resolve()), "--store", str(options["store"].resolve())]
        code = playing.in_throwaway_database([*paths, "--output", str(options["output"].resolve())])
        if code:
            sys.exit(code)

    def _play(self, dialogues: Path, store: Path, output: Path) -> None:
        now = datetime.fromisoformat(loading.read_store(store)["now"])
        loading.load_dialogue_store(store, Report(), now=now)
        started = time.perf_counter()
        played = 0
        turns = 0
        with output.open("w", encoding="utf-8") as file:
            for dialogue in playing.read(dialogues):
                result = playing.play(dialogue, now=now)
                file.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
                played += 1
                turns += len(result["turns"])
                self.stderr.write(f"  {dialogue.id}: {len(result['turns'])} turns")
        seconds = round(time.perf_counter() - started, 2)
        self.stdout.write(json.dumps({"dialogues": played, "turns": turns, "seconds": seconds}))
