"""What staff see of the bot's learning: messages it was unsure about, and how well it tells the
intents apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KT

from chatbot import classifiers
from chatbot.models import Example, Message
from crm import artifacts, encoders
from crm.ml.joined import JOINED
from crm.models import Artifact

NAME = "intents"
PER_PAGE = 40
DEEPEST = 250  # pages; nobody reads further


@dataclass(frozen=True)
class Filters:
    language: str = ""
    intent: str = ""
    taught: bool = False  # also those that were corrected
    page: int = 1

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filters":
        """From an address; what makes no sense is left out."""
        page = given.get("page", "1")
        return cls(
            language=given.get("language", "") if given.get("language") in ("zh", "en") else "",
            intent=given.get("intent", "").replace("\x00", "")[:64],
            taught=given.get("taught") == "1",
            page=min(int(page), DEEPEST)
            if page.isascii() and page.isdigit() and page != "0"
            else 1,
        )


def unsure(filters: Filters) -> tuple[list[Message], bool]:
    """One page of what the bot was unsure about, the newest first; whether there is more."""
    start = (filters.page - 1) * PER_PAGE
    rows = list(_unsure(filters)[start : start + PER_PAGE + 1])
    return rows[:PER_PAGE], len(rows) > PER_PAGE


def _unsure(filters: Filters) -> QuerySet[Message]:
    rows: QuerySet[Any] = Message.objects.missed().annotate(
        guess=KT("payload__intent__name"),
        is_taught=Exists(Example.objects.filter(text=OuterRef("text")).exclude(source="seed")),
    )
    if filters.language:
        rows = rows.filter(language=filters.language)
    if filters.intent:
        rows = rows.filter(payload__intent__name=filters.intent)
    if not filters.taught:
        rows = rows.filter(is_taught=False)
    return rows.select_related("conversation__customer").order_by("-id")


@dataclass(frozen=True)
class Intent:
    """How well one intent is told from the others, on examples nobody was fitted on."""

    name: str
    count: int
    precision: float | None  # None: it was never named
    recall: float | None  # None: no example had it
    f1: float


@dataclass(frozen=True)
class Confused:
    wanted: str
    heard: str
    count: int


@dataclass(frozen=True)
class Report:
    champion: Artifact
    intents: Sequence[Intent]  # the worst first; at the end what no example had
    confused: Sequence[Confused]  # the most frequent first
    encoder: str = ""  # that it was fitted with
    stands_in: classifiers.Chosen | None = None  # who serves where that encoder is missing


def report() -> Report | None:
    """Of the serving classifier, where its training wrote it down."""
    champion = artifacts.champion_of(NAME)
    if champion is None:
        return None
    told = champion.backtest or {}
    encoder = str(told.get("encoder", ""))
    # Asked of the extra alone: to load the usual one takes a second.
    is_missing = encoder == JOINED and not encoders.is_usable(encoder)
    intents = [Intent(name, **row) for name, row in told.get("per_intent", {}).items()]
    return Report(
        champion,
        sorted(intents, key=lambda one: (not one.count, one.f1, one.name)),
        [Confused(*row) for row in told.get("confusions", [])],
        encoder,
        classifiers.choose() if is_missing else None,
    )
