"""`manage.py replay_chat CONVERSATION`."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from chatbot import replaying
from chatbot.models import Conversation


class Command(BaseCommand):
    help = "Take every turn of a conversation again from its record alone; say where it differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("conversation", help="its id as the widget knows it, or its number")

    def handle(self, *args: Any, **options: Any) -> None:
        chat = _found(options["conversation"])
        result = replaying.replay(chat)
        for one in result.differences:
            told = f"  message {one.seq}, {one.what}: was {one.then}, is {one.now}"
            self.stderr.write(told)
        summary = {
            "conversation": str(chat.public_id),
            "turns": result.turns,
            "equal": result.is_equal,
            "unrecorded": result.unrecorded,
            "intents_not_compared": result.unread,
            "differences": [asdict(one) for one in result.differences],
        }
        self.stdout.write(json.dumps(summary, ensure_ascii=False))
        if not result.is_equal:
            told = f"{len(result.differences)} differences, {result.unrecorded} turns not recorded"
            raise CommandError(told)


def _found(name: str) -> Conversation:
    """Raises CommandError, with status 2 for what can be no conversation."""
    if name.isascii() and name.isdigit() and len(name) < 19:
        wanted: dict[str, Any] = {"pk": int(name)}
    else:
        try:
            wanted = {"public_id": UUID(name)}
        except ValueError:
            raise CommandError(f"{name!r} is no conversation's id", returncode=2) from None
    chat = Conversation.objects.filter(**wanted).first()
    if chat is None:
        raise CommandError(f"there is no conversation {name}")
    return chat
