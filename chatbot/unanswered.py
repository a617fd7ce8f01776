"""What customers asked this week and the bot could not tell: gathered by what is meant, each with
the nearest question of the book, so that staff teach once what many have asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbot.ml import likeness
from chatbot.models import Answer, Message
from crm.encoder import encode
from crm.ml.text import normalise

WEEK = timedelta(days=7)
MOST = 500  # messages, the newest
SHOWN = 12  # groups
QUOTED = 4  # messages of each
NEAR = {True: 0.45, False: 0.25}  # likeness to a question of the book that is worth naming


@dataclass(frozen=True)
class Asked:
    """Messages that ask the same, the most typical first."""

    messages: list[Message]
    count: int
    customers: int
    nearest: Answer | None


def of_week(now: datetime) -> list[Asked]:
    """The groups asked most often, in a fixed number of queries."""
    messages = _messages(now)
    if not messages:
        return []
    book = list(Answer.objects.filter(is_active=True).order_by("id"))
    questions = [(a, q) for a in book for q in (a.question_zh, a.question_en, *a.variants) if q]
    texts = [normalise(m.text) for m in messages] + [normalise(str(q)) for _, q in questions]
    encoded = encode(texts)
    by_meaning = encoded is not None
    rows = likeness.unit(encoded) if encoded is not None else likeness.by_pieces(texts)
    mine, theirs = rows[: len(messages)], rows[len(messages) :]
    place, alike = likeness.nearest(mine, theirs)
    found = []
    for group in likeness.groups(mine, alike=likeness.ALIKE[by_meaning])[:SHOWN]:
        is_near = alike[group.centre] >= NEAR[by_meaning]
        members = [messages[i] for i in group.members]
        found.append(
            Asked(
                _distinct(members)[:QUOTED],
                len(members),
                len({m.conversation.customer_id for m in members}),
                questions[int(place[group.centre])][0] if is_near else None,
            )
        )
    return found


def _messages(now: datetime) -> list[Message]:
    """Unsure, or answered by asking what was meant."""
    missed = Message.objects.missed().filter(created_at__gt=now - WEEK, created_at__lte=now)
    return list(missed.select_related("conversation").order_by("-id")[:MOST])


def _distinct(messages: list[Message]) -> list[Message]:
    """One of each wording."""
    return list({normalise(m.text): m for m in reversed(messages)}.values())[::-1]
