"""Customers from a CSV: `user_id` or `email` needed; further columns are optional.

`trait.SOMETHING` columns become traits. `consent.CHANNEL.TOPIC` columns hold yes or no and
are recorded with the file as evidence; an empty cell says nothing.
"""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from crm import consent, customers
from crm.loaders import parsing
from crm.loading import Columns, Report, read_rows
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
SOURCE = "import"


def load(path: Path, report: Report, *, now: datetime) -> None:
    for chunk in parsing.chunks(read_rows(path, report, COLUMNS), 500):
        with transaction.atomic():
            for line, row in chunk:
                try:
                    with transaction.atomic():
                        _load_row(row, report, path=path, now=now)
                except (parsing.BadValue, consent.UnknownTopic) as bad:
                    report.reject(line, str(bad), row)


def _load_row(row: dict[str, str], report: Report, *, path: Path, now: datetime) -> None:
    ids = {kind: parsing.text(row, kind) for kind in ("user_id", "email", "phone")}
    if not ids["user_id"] and not ids["email"]:
        raise parsing.BadValue("user_id and email are both missing")
    values = _values(row)
    first_seen = parsing.moment(row, "first_seen_at") if row.get("first_seen_at") else now
    known = _find(ids)
    customer = known or customers.resolve(ids, source=SOURCE, at=first_seen)
    for kind, value in ids.items():
        if value and not customers.attach(customer, kind, value, source=SOURCE, at=now):
            raise parsing.BadValue(f"{kind}: {value!r} belongs to another customer")
    changed = _fill(customer, values)
    changed |= _answer(customer, row, path=path, now=now)
    if known is None:
        report.created += 1
    elif changed:
        report.updated += 1
    else:
        report.unchanged += 1


def _find(ids: dict[str, str]) -> Customer | None:
    """The customer this row is about. A user id decides alone: it is the stronger."""
    if ids["user_id"]:
        return customers.find("user_id", ids["user_id"])
    return customers.find("email", ids["email"])


def _values(row: dict[str, str]) -> dict[str, object]:
    """The cells that are filled, checked. An empty cell leaves what is known alone."""
    values: dict[str, object] = {
        column: parsing.text(row, column)
        for column in ("name", "country", "timezone", "email", "phone")
        if parsing.text(row, column)
    }
    if email := values.get("email"):
        address = values["email"] = customers.normalise("email", email)
        try:
            validate_email(address)
        except ValidationError:
            raise parsing.BadValue(f"email: {email!r} is not an address") from None
    if raw := parsing.text(row, "language").lower():
        if raw not in LANGUAGES:
            raise parsing.BadValue(f"language: {raw!r} is neither en nor zh")
        values["language"] = LANGUAGES[raw]
    try:
        ZoneInfo(str(values.get("timezone", "UTC")))
    except (ZoneInfoNotFoundError, ValueError):
        raise parsing.BadValue(f"timezone: {values['timezone']!r} does not exist") from None
    traits = {
        column.removeprefix("trait."): value
        for column, value in row.items()
        if column.startswith("trait.") and value
    }
    return values | ({"traits": traits} if traits else {})


def _fill(customer: Customer, values: dict[str, object]) -> bool:
    if "traits" in values:
        values["traits"] = customer.traits | values["traits"]
    changed = [name for name, value in values.items() if getattr(customer, name) != value]
    for name in changed:
        setattr(customer, name, values[name])
    if changed:
        customer.save(update_fields=changed)
    return bool(changed)


def _answer(customer: Customer, row: dict[str, str], *, path: Path, now: datetime) -> bool:
    changed = False
    for column, raw in row.items():
        if not column.startswith("consent.") or not (raw or "").strip():
            continue
        _, channel, topic = (column.split(".", 2) + ["", ""])[:3]
        if channel not in Channel.values or raw.strip().lower() not in ANSWERS:
            raise parsing.BadValue(f"{column}: {raw!r} is not yes or no for a channel and topic")
        changed |= consent.change(
            customer,
            channel=channel,
            topic=consent.topic(topic),
            is_granted=ANSWERS[raw.strip().lower()],
            source=SOURCE,
            evidence={"file": path.name},
            at=now,
            announce=False,
        )
    return changed
