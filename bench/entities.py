"""What is read in messages: exact F1 of entities over recorded dialogues, and what reading costs.

    python -m bench.entities [--products 10000]

An entity is right when slot and normal form are. `read` judges the reading alone, with the gold intent saying
which slots count; `told` is what the bot itself reported in a played dialogue. Dialogues that stand in tests/ were
looked at while the rules were written: they show what breaks, not how well strangers are understood.
"""

import argparse
import gc
import json
import os
import random
import resource
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared" / "dialogues"
OWN = HERE.parent / "tests" / "chatbot" / "dialogues"
STORES = {
    "public": (SHARED / "dialogue_fixture.json", SHARED / "public_dialogues.jsonl"),
    "public_store": (SHARED / "dialogue_fixture.json", OWN / "public_store.jsonl"),
    "homeware": (OWN / "homeware.json", OWN / "homeware.jsonl"),
}
SYLLABLES = ("ka", "lo", "mi", "nor", "pel", "ris", "sun", "tar", "vel", "wen", "zo", "bri")
CHARACTERS = "明华光远新天海山风云星月金玉龙凤清泉林森雅思美乐家居康健锐捷智能悦享优品臻选轻逸"


def pairs(slots: dict[str, Any]) -> set[tuple[str, str]]:
    """(slot, normal form), as the scorer of the dialogues compares them."""
    return {
        (slot, str(one).lower())
        for slot, value in slots.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    }


class Tally:
    """Right, wrong and missed."""

    def __init__(self) -> None:
        self.right = self.wrong = self.missed = 0

    def add(self, gold: dict[str, Any], got: dict[str, Any]) -> None:
        wanted, found = pairs(gold), pairs(got)
        self.right += len(wanted & found)
        self.wrong += len(found - wanted)
        self.missed += len(wanted - found)

    @property
    def f1(self) -> float:
        all_ = 2 * self.right + self.wrong + self.missed
        return round(100 * 2 * self.right / all_, 1) if all_ else 100.0


def judged(store: Path, dialogues: Path) -> dict[str, Any]:
    """F1 by language; the database is rolled back afterwards."""
    from django.db import transaction

    from chatbot import catalogue, loading, playing
    from chatbot.ml.commands import relevant
    from chatbot.ml.entities import Scene, as_slots
    from crm.loading import Report
    from crm.ml.text import normalise

    gold = [json.loads(line) for line in dialogues.read_text(encoding="utf-8").splitlines()]
    now = datetime.fromisoformat(json.loads(store.read_text(encoding="utf-8"))["now"])
    read = {language: Tally() for language in ("zh", "en")}
    told = {language: Tally() for language in ("zh", "en")}
    with transaction.atomic():
        loading.load_dialogue_store(store, Report(), now=now)
        lexicon = catalogue.build()
        for row, dialogue in zip(gold, playing.read(dialogues), strict=True):
            played = playing.play(dialogue, now=now)["turns"]
            for turn, result in zip(row["turns"], played, strict=True):
                wanted = turn.get("entities") or {}
                told[row["lang"]].add(wanted, result["entities"])
                text = lexicon.correct(normalise(turn["user"]))
                slots = as_slots(lexicon.reader.read(text, Scene(today=now.date())).entities)
                read[row["lang"]].add(wanted, relevant(turn["intent"], slots))
        transaction.set_rollback(True)
    catalogue.forget()
    return {
        f"{name}_f1_{language}": tally.f1
        for name, tallies in (("read", read), ("told", told))
        for language, tally in tallies.items()
    }


def large(count: int) -> Any:
    """The lexicon of a shop with so many products, and the CPU seconds it took to build."""
    from django.db import transaction

    from chatbot import catalogue
    from crm.models import Brand, Category, Product

    rng = random.Random(1)

    def english() -> str:
        return "".join(rng.choice(SYLLABLES) for _ in range(3)).title()

    def chinese(length: int) -> str:
        return "".join(rng.choice(CHARACTERS) for _ in range(length))

    with transaction.atomic():
        kinds = [
            Category.objects.create(slug=f"kind-{i}", name_en=english(), name_zh=chinese(2) + "机")
            for i in range(60)
        ]
        brands = [
            Brand.objects.create(slug=f"brand-{i}", name_en=english(), name_zh=chinese(2))
            for i in range(400)
        ]
        rows = []
        for i in range(count):
            kind, brand, model = rng.choice(kinds), rng.choice(brands), f"X{rng.randint(1, 999)}"
            rows.append(
                Product(
                    sku=f"P{i}",
                    title_en=f"{brand.name_en} {english()} {model} {kind.name_en}",
                    title_zh=f"{brand.name_zh} {chinese(4)} {model} {kind.name_zh}",
                    category=kind,
                    brand=brand,
                    price=rng.randint(10, 9999),
                    features=["slim", "quiet"][: rng.randint(0, 2)],
                )
            )
        Product.objects.bulk_create(rows, batch_size=500)
        started = time.process_time()
        lexicon = catalogue.build()
        seconds = time.process_time() - started
        transaction.set_rollback(True)
    return lexicon, seconds


def cost(lexicon: Any, texts: list[str], now: datetime) -> dict[str, float]:
    """CPU milliseconds of one message: mending, and reading it with its parts."""
    from chatbot.ml.entities import Scene
    from chatbot.ml.hearing import clauses_worth_reading
    from crm.ml.text import language_of, normalise

    scene = Scene(today=now.date())

    def hear(text: str) -> None:
        clean = lexicon.correct(normalise(text))
        told = lexicon.reader.read(clean, scene)
        language_of(clean, names=told.names)
        for clause in clauses_worth_reading(clean):
            lexicon.reader.read(clause, scene)

    for text in texts:
        hear(text)
    gc.collect()
    gc.freeze()  # as the servers do
    took = []
    for text in texts:
        started = time.process_time()
        hear(text)
        took.append(1000 * (time.process_time() - started))
    took.sort()
    return {"p50": round(took[len(took) // 2], 3), "p95": round(took[int(0.95 * len(took))], 3)}


def main(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "marketing.settings", "VAR_DIR": folder}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command
        from django.utils import timezone

        now = timezone.now()
        call_command("migrate", verbosity=0)
        from chatbot import training
        from crm.training import Order

        training.train_intents(Order(as_of=now, now=now))
        figures: dict[str, Any] = {
            name: judged(store, dialogues)
            for name, (store, dialogues) in STORES.items()
            if store.exists() and dialogues.exists()
        }
        said = OWN / "homeware.jsonl"
        turns = [
            json.loads(line)["turns"] for line in said.read_text(encoding="utf-8").splitlines()
        ]
        texts = [turn["user"] for turn in sum(turns, [])]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        lexicon, seconds = large(count)
        figures |= {
            "products": count,
            "build_cpu_s": round(seconds, 2),
            "hear_cpu_ms": cost(lexicon, texts, now),
            "grown_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
        }
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=10_000)
    print(json.dumps(main(parser.parse_args().products)))
    sys.stdout.flush()
