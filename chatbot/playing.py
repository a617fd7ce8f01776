"""Conversation regression: recorded customer turns through the same door as the websocket."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from chatbot import conversation, staffing, visits
from chatbot.models import Message
from crm import customers
from crm.models import Customer

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
PARTS_OF_CODE = ("*/migrations/*.py", "chatbot/*.py", "chatbot/data/*", "*/ml/*.py")


class UnusableDialogues(Exception):
    """The dialogues cannot be read; the message says which line and why."""


@dataclass(frozen=True)
class Dialogue:
    id: str
    customer: str
    turns: tuple[tuple[str, str], ...]  # (what is said, what happens before)


def read(path: Path) -> list[Dialogue]:
    """Only id, customer, and each turn's user and before are read."""
    dialogues = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableDialogues(f"{path}: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            turns = tuple((str(t["user"]), str(t.get("before") or "")) for t in row["turns"])
            dialogues.append(Dialogue(str(row["id"]), str(row["customer"]), turns))
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise UnusableDialogues(f"{path}: line {number}: {error!r}") from None
    return dialogues


def play(dialogue: Dialogue, *, now: datetime) -> dict[str, Any]:
    """Hold one dialogue from its first turn; return what the bot made of each.

    Afterwards the store is as before: no dialogue sees the orders that another cancelled.
    """
    with transaction.atomic():
        played = _hold(dialogue, now=now)
        transaction.set_rollback(True)
    return played


def _hold(dialogue: Dialogue, *, now: datetime) -> dict[str, Any]:
    customer = _customer(dialogue.customer, now=now)
    chat = visits.open_for(
        customer, visitor="", is_verified=customer.is_known, language="", now=now
    )
    turns = []
    for text, before in dialogue.turns:
        if before == "staff_release":
            staffing.release(chat.pk, now=now)
        message = conversation.hear(chat.pk, text=text, now=now)
        answer = conversation.respond(message.pk, now=now)
        message.refresh_from_db()
        turns.append(_turn(message, answer))
    return {"id": dialogue.id, "turns": turns}


def _turn(message: Message, answer: Message | None) -> dict[str, Any]:
    heard = message.payload
    said = answer.payload if answer else {}
    return {
        "intent": heard["intent"]["name"],
        "confidence": heard["intent"]["confidence"],
        "entities": heard["entities"],
        "act": heard["act"],
        "args": said.get("args", {}),
        "products": [product["id"] for product in said.get("products", [])],
        "reply": answer.text if answer else "",
        "sentiment": heard["sentiment"]["label"],
        "lang": message.language,
    }


def _customer(name: str, *, now: datetime) -> Customer:
    for kind in ("user_id", "anonymous_id"):
        found = customers.find(kind, name)
        if found:
            return found
    return customers.resolve({"anonymous_id": f"play-{name}"}, source="play", at=now)


def in_throwaway_database(arguments: list[str]) -> int:
    """Run `manage.py play` again, on a fresh database with the trained shipped classifier."""
    prepared = _prepared()
    with tempfile.TemporaryDirectory(prefix="rapport-play-") as folder:
        home = Path(folder) / "var"
        shutil.copytree(prepared, home)
        return _manage(home, ["play", "--inside", *arguments])


def _prepared() -> Path:
    """A migrated database with the classifier trained; made once per state of the code."""
    home = Path(settings.VAR_DIR) / "play" / _digest()
    if (home / "ready").exists():
        return home
    with tempfile.TemporaryDirectory(prefix="rapport-play-") as folder:
        fresh = Path(folder) / "var"
        fresh.mkdir()
        for command in (["migrate", "--verbosity", "0"], ["play", "--prepare"]):
            if _manage(fresh, command):
                raise RuntimeError(f"manage.py {' '.join(command)} failed")
        (fresh / "ready").touch()
        shutil.rmtree(home.parent, ignore_errors=True)  # those of earlier states of the code
        shutil.copytree(fresh, home)
    return home


def _manage(home: Path, arguments: list[str]) -> int:
    servers = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "LLM_BASE_URL")
    environment = {**os.environ, **dict.fromkeys(servers, ""), "VAR_DIR": str(home), "DEBUG": "1"}
    quiet = subprocess.DEVNULL if "--prepare" in arguments else None
    done = subprocess.run(
        [sys.executable, str(MANAGE), *arguments], env=environment, check=False, stdout=quiet
    )
    return done.returncode


def _digest() -> str:
    digest = hashlib.sha256()
    for path in _code():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _code() -> Iterator[Path]:
    for pattern in PARTS_OF_CODE:
        yield from sorted(p for p in MANAGE.parent.glob(pattern) if p.is_file())
