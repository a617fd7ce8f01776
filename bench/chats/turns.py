"""Whole turns in one process, one after the other."""

import json
import os
import random
import time
import uuid
from pathlib import Path
from typing import Any

from bench.chats.sayings import SAID, percentiles


def turns(chats: int = 12, each: int = 12) -> dict[str, Any]:
    """Stored, understood, answered, stored: words that were said before, and words that are new."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    settings.DEBUG = False  # which would keep every query
    rng, chat = random.Random(3), begin("en")
    for text in said(rng, 30):
        turn(chat, text)
    figures: dict[str, Any] = {}
    for name, is_new in (("turn", False), ("new_turn", True)):
        took, worked = [], []
        for number in range(chats):
            chat = begin(("en", "zh")[number % 2])
            for text in said(rng, each):
                if is_new:
                    forget()
                started, cpu = time.perf_counter(), time.process_time()
                turn(chat, text)
                took.append(time.perf_counter() - started)
                worked.append(time.process_time() - cpu)
        figures |= {**percentiles(name, took), **percentiles(f"{name}_cpu", worked)}
    queries = []
    for _, text in SAID:
        with CaptureQueriesContext(connection) as captured:
            turn(chat, text)
        queries.append(len(captured))
    mean = round(sum(queries) / len(queries), 1)
    return {**figures, "turn_queries": mean, "turn_process_mb": rss_mb()}


def said(rng: random.Random, count: int) -> list[str]:
    return [rng.choice(SAID)[1] for _ in range(count)]


def begin(language: str) -> Any:
    from django.utils import timezone

    from chatbot import visits

    claim = visits.Claim(language=language)
    return visits.enter(claim, secret="", now=timezone.localtime()).conversation


def turn(chat: Any, text: str) -> None:
    from django.utils import timezone

    from chatbot import conversation

    now = timezone.localtime()
    message = conversation.hear(chat.pk, text=text, client_id=str(uuid.uuid4()), now=now)
    conversation.respond(message.pk, now=now)


def forget() -> None:
    """What was made of earlier texts."""
    from chatbot import understanding
    from crm import encoder
    from crm.ml import text

    understanding._kept["serving"].guesses.clear()
    encoder._kept.clear()
    text.normalise.cache_clear()


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(round(int(x.split()[1]) / 1024, 1) for x in status if x.startswith("VmRSS"))


if __name__ == "__main__":
    print(json.dumps(turns()))
