"""What staff see of the bot's learning: messages it was unsure about, and how well it tells the
intents apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KT

from chatbot.models import Example, Message
from crm import artifacts
from crm.models import Artifact

NAME = "intents"
PER_PAGE = 40
DEEPEST = 250  # pages; nobody reads further
PAIRS = 20  # confused intents that are shown
Row = Mapping[str, Any]


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
    count: int | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confused:
    wanted: str
    heard: str
    count: int


@dataclass(frozen=True)
class Report:
    champion: Artifact
    intents: Sequence[Intent]  # the worst first
    confused: Sequence[Confused]


def report() -> Report | None:
    """Of the serving classifier, as far as its training wrote it down."""
    champion = artifacts.champion_of(NAME)
    if champion is None:
        return None
    told = {**(champion.backtest or {}), **champion.metrics}
    per_intent, pairs = told.get("per_intent"), told.get("confusions")
    intents = [_intent(name, row) for name, row in _items(per_intent)]
    confused = [one for one in map(_confused, pairs if isinstance(pairs, list) else []) if one]
    return Report(
        champion,
        sorted(intents, key=lambda one: (one.f1 is None, one.f1, one.name)),
        sorted(confused, key=lambda one: -one.count)[:PAIRS],
    )


def _items(per_intent: Any) -> list[tuple[str, Any]]:
    if isinstance(per_intent, Mapping):
        return [(str(name), row) for name, row in per_intent.items()]
    rows = per_intent if isinstance(per_intent, list) else []
    return [(str(row.get("intent", "")), row) for row in rows if isinstance(row, Mapping)]


def _intent(name: str, row: Any) -> Intent:
    """A row of figures, or one figure alone, which is then the share found."""
    if not isinstance(row, Mapping):
        share = _share(row)
        return Intent(name, None, None, share, share)
    count = next((row[n] for n in ("count", "support", "rows", "n") if n in row), None)
    precision, recall = _share(row.get("precision")), _share(row.get("recall"))
    f1 = _share(row.get("f1", row.get("accuracy")))
    if f1 is None and precision is not None and recall is not None:
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Intent(name, int(count) if count is not None else None, precision, recall, f1)


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _confused(row: Any) -> Confused | None:
    """As a mapping or as (wanted, heard, count)."""
    if isinstance(row, Mapping):
        wanted = next((row[n] for n in ("wanted", "intent", "true", "is") if n in row), "")
        heard = next((row[n] for n in ("heard", "guess", "predicted", "as") if n in row), "")
        row = [wanted, heard, row.get("count", row.get("n", 0))]
    if not isinstance(row, list | tuple) or len(row) < 3:
        return None
    return Confused(str(row[0]), str(row[1]), int(row[2]))
