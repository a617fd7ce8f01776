"""Customers from a CSV: `user_id` or `email` needed; further columns are optional.

`trait.SOMETHING` columns become traits. `consent.CHANNEL.TOPIC` columns hold yes or no and
are recorded with the file as evidence; an empty cell says nothing.

A chunk is worked out in memory, in the order of its rows, against what the database knows of
the people in it, and then written with a few statements.
"""

import re
from collections.abc import Mapping
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
from crm.loaders.people import People, Person
from crm.loading import Columns, Numbered, Report, Row, Writer, load_csv
from crm.models import Channel, Customer

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


class CustomerWriter(Writer):
    size = 20_000

    def write(self, rows: list[Numbered], report: Report) -> None:
        with bulk.uncollected(), transaction.atomic():
            bulk.hasten()
            ready = []
            for line, row in rows:
                try:
                    ready.append((line, row, _ids(row), _values(row), _answers(row)))
                except (parsing.BadValue, consent.UnknownTopic) as bad:
                    report.reject(line, str(bad), row)
            people = People(source=SOURCE, now=self.now)
            people.look_up(ids for _, _, ids, _, _ in ready)
            answered = []
            for line, row, ids, values, answers in ready:
                try:
                    person, is_new = people.of(ids, first_seen=_first_seen(row, self.now))
                except parsing.BadValue as bad:
                    report.reject(line, str(bad), row)
                    continue
                answered.append((person, answers, is_new, people.fill(person, values)))
            people.save()
            self._count(answered, report)

    def _count(
        self, answered: list[tuple[Person, list[Answer], bool, bool]], report: Report
    ) -> None:
        asked = [person.pk for person, answers, _, _ in answered if answers]
        known = Customer.objects.in_bulk(asked) if asked else {}
        for person, answers, is_new, changed in answered:
            if answers:
                changed |= self._answer(known[person.pk], answers)
            if is_new:
                report.created += 1
            elif changed:
                report.updated += 1
            else:
                report.unchanged += 1

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


def _ids(row: Row) -> dict[str, str]:
    """The identifiers of the row in their one spelling."""
    ids = {}
    for kind in ("user_id", "email", "phone"):
        if raw := row.get(kind):
            value = customers.normalise(kind, raw)
            if len(value) > LONGEST[kind]:
                raise parsing.BadValue(f"{kind}: longer than {LONGEST[kind]} characters")
            if value:
                ids[kind] = value
    if "user_id" not in ids and "email" not in ids:
        raise parsing.BadValue("user_id and email are both missing")
    if "email" in ids and not PLAIN_ADDRESS.fullmatch(ids["email"]):
        _check_address(ids["email"], row["email"])
    return ids


def _check_address(address: str, typed: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise parsing.BadValue(f"email: {typed[:80]!r} is not an address") from None


def _first_seen(row: Row, now: datetime) -> datetime:
    return parsing.moment(row, "first_seen_at") if row.get("first_seen_at") else now


def _values(row: Row) -> dict[str, Any]:
    """The cells that are filled, checked. An empty cell leaves what is known alone."""
    values: dict[str, Any] = {
        column: value
        for column in ("name", "country", "phone")
        if (value := parsing.text(row, column, longest=LONGEST[column]))
    }
    if email := parsing.text(row, "email"):
        values["email"] = customers.normalise("email", email)
    if raw := parsing.text(row, "language").lower():
        if raw not in LANGUAGES:
            raise parsing.BadValue(f"language: {raw[:80]!r} is neither en nor zh")
        values["language"] = LANGUAGES[raw]
    if zone := parsing.text(row, "timezone"):
        values["timezone"] = _zone(zone)
    traits = {
        column.removeprefix("trait."): value
        for column, value in row.items()
        if column.startswith("trait.") and value
    }
    return values | ({"traits": traits} if traits else {})


@lru_cache(maxsize=1024)
def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise parsing.BadValue(f"timezone: {name[:80]!r} does not exist") from None
    return name


def _answers(row: Mapping[str, str]) -> list[Answer]:
    answers = []
    for column, raw in row.items():
        if not column.startswith("consent.") or not (raw or "").strip():
            continue
        _, channel, topic = (column.split(".", 2) + ["", ""])[:3]
        if channel not in Channel.values or raw.strip().lower() not in ANSWERS:
            raise parsing.BadValue(f"{column}: {raw!r} is not yes or no for a channel and topic")
        consent.topic(topic)  # an unknown one refuses the row before anything is written
        answers.append(Answer(channel, topic, ANSWERS[raw.strip().lower()]))
    return answers
