"""Customers from a CSV: `user_id` or `email` needed; further columns are optional.

`trait.SOMETHING` columns become traits. `consent.CHANNEL.TOPIC` columns hold yes or no and
are recorded with the file as evidence; an empty cell says nothing.

A chunk is worked out in memory, in the order of its rows, against what the database knows of
the people in it, and then written with a few statements.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from crm import bulk, consent, customers
from crm.loaders import parsing
from crm.loaders.people import STRONGEST_FIRST, People, Person
from crm.loading import Columns, Numbered, Refused, Report, Row, Writer, load_csv, usable
from crm.models import Channel, Customer, Topic

COLUMNS = Columns(
    needed=(),
    optional=(
        "user_id",
        "email",
        "phone",
        "name",
        "language",
        "country",
        "timezone",
        "first_seen_at",
    ),
    prefixes=("trait.", "consent."),
)
LANGUAGES = {"en": "en", "zh": "zh-hans", "zh-cn": "zh-hans", "zh-hans": "zh-hans"}
ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
LONGEST = {"user_id": 255, "email": 254, "phone": 32, "name": 200, "country": 64}
PLAIN_ADDRESS = re.compile(r"[a-z0-9_]+([.+-][a-z0-9_]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,24}")
SOURCE = "import"


def load(path: Path, report: Report, *, now: datetime) -> None:
    load_csv(path, report, COLUMNS, CustomerWriter(now=now, file=path.name))


@dataclass(frozen=True)
class Answer:
    """One cell about consent."""

    channel: str
    topic: str
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What a row says, as far as it can be judged without the database."""

    line: int
    row: Row
    ids: dict[str, str]
    values: dict[str, Any]
    answers: list[Answer]
    first_seen: datetime


class CustomerWriter(Writer):
    size = 20_000

    def check(self, rows: list[Numbered]) -> list[Checked | Refused]:
        return [self._check(line, row) for line, row in rows]

    def write(self, checked: list[Checked | Refused], report: Report) -> None:
        with transaction.atomic():
            bulk.hasten()
            ready = list(_writable(checked, report))
            people = People(source=SOURCE, now=self.now)
            people.look_up([one.ids for one in ready])
            answered = []
            for one in ready:
                try:
                    person, is_new = people.of(one.ids, first_seen=one.first_seen)
                except parsing.BadValue as bad:
                    report.reject(one.line, str(bad), one.row)
                    continue
                changed = people.fill(person, one.values)
                answered.append((one, person, is_new, changed))
            people.save()
            self._count(answered, report)

    def _check(self, line: int, row: Row) -> Checked | Refused:
        try:
            ids = _ids(row)
            values, answers = _said(row)
            first_seen = _first_seen(row, self.now)
        except parsing.BadValue as bad:
            return Refused(line, row, str(bad))
        if "email" in ids:
            values["email"] = ids["email"]
        return Checked(line, row, ids, values, answers, first_seen)

    def _count(self, answered: list[tuple[Checked, Person, bool, bool]], report: Report) -> None:
        asked = [person.pk for row, person, _, _ in answered if row.answers]
        known = Customer.objects.in_bulk(asked) if asked else {}
        for row, person, is_new, changed in answered:
            if row.answers:
                changed |= self._answer(known[person.pk], row.answers)
            report.note(row.line, "created" if is_new else "updated" if changed else "unchanged")

    def _answer(self, customer: Customer, answers: list[Answer]) -> bool:
        changed = False
        for answer in answers:
            changed |= consent.change(
                customer,
                channel=answer.channel,
                topic=consent.topic(answer.topic),
                is_granted=answer.is_granted,
                source=SOURCE,
                evidence={"file": self.file},
                at=self.now,
                announce=False,
            )
        return changed


def _writable(checked: list[Checked | Refused], report: Report) -> Iterator[Checked]:
    """Those that can be written. An unknown topic refuses its row before anything is."""
    unknown = _unknown_topics({a.topic for one in checked for a in getattr(one, "answers", ())})
    for one in usable(checked, report):
        if missing := next((a.topic for a in one.answers if a.topic in unknown), ""):
            report.reject(one.line, str(consent.UnknownTopic(missing)), one.row)
        else:
            yield one


def _unknown_topics(slugs: set[str]) -> set[str]:
    return slugs - set(Topic.objects.filter(slug__in=slugs).values_list("slug", flat=True))


def _ids(row: Row) -> dict[str, str]:
    """The identifiers of the row in their one spelling, the strongest first."""
    ids = {}
    for kind in STRONGEST_FIRST:
        raw = row.get(kind)
        if not raw:
            continue
        plain = kind == "email" and PLAIN_ADDRESS.fullmatch(raw)
        value = raw if plain else customers.normalise(kind, raw)
        if len(value) > LONGEST[kind]:
            raise parsing.BadValue(f"{kind}: longer than {LONGEST[kind]} characters")
        if value:
            ids[kind] = value
        if value and kind == "email" and not plain and not PLAIN_ADDRESS.fullmatch(value):
            _check_address(value, raw)
    if "user_id" not in ids and "email" not in ids:
        raise parsing.BadValue("user_id and email are both missing")
    return ids


def _check_address(address: str, typed: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise parsing.BadValue(f"email: {typed[:80]!r} is not an address") from None


def _first_seen(row: Row, now: datetime) -> datetime:
    return parsing.moment(row, "first_seen_at") if row.get("first_seen_at") else now


def _said(row: Row) -> tuple[dict[str, Any], list[Answer]]:
    """The cells that are filled, checked. An empty cell leaves what is known alone."""
    values: dict[str, Any] = {}
    traits, answers = {}, []
    for column, raw in row.items():
        cell = raw.strip()
        if not cell or column in STRONGEST_FIRST[:2]:
            continue
        if read := READERS.get(column):
            values[column] = read(column, cell)
        elif column.startswith("trait."):
            traits[column.removeprefix("trait.")] = raw
        elif column.startswith("consent."):
            answers.append(_answer(column, cell))
    if traits:
        values["traits"] = traits
    return values, answers


def _short(column: str, cell: str) -> str:
    if len(cell) > LONGEST[column]:
        raise parsing.BadValue(f"{column}: longer than {LONGEST[column]} characters")
    return cell


def _language(column: str, cell: str) -> str:
    if cell.lower() not in LANGUAGES:
        raise parsing.BadValue(f"{column}: {cell.lower()[:80]!r} is neither en nor zh")
    return LANGUAGES[cell.lower()]


@lru_cache(maxsize=1024)
def _zone(column: str, cell: str) -> str:
    try:
        ZoneInfo(cell)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise parsing.BadValue(f"{column}: {cell[:80]!r} does not exist") from None
    return cell


def _answer(column: str, cell: str) -> Answer:
    _, channel, topic = (column.split(".", 2) + ["", ""])[:3]
    if channel not in Channel.values or cell.lower() not in ANSWERS:
        raise parsing.BadValue(f"{column}: {cell!r} is not yes or no for a channel and topic")
    return Answer(channel, topic, ANSWERS[cell.lower()])


READERS: dict[str, Callable[[str, str], str]] = {
    "name": _short,
    "country": _short,
    "phone": _short,
    "language": _language,
    "timezone": _zone,
}
