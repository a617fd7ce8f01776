"""The people of one chunk of an import: looked up, worked on and written together."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django.db import connection

from crm import bulk
from crm.loaders import parsing
from crm.models import Customer, Evidence, Identity
from crm.segments import touches

FIELDS = ("name", "email", "phone", "language", "country", "timezone", "traits")
STRONGEST_FIRST = ("user_id", "email", "phone")
Key = tuple[str, str]  # kind and value of an identifier


@dataclass(slots=True)
class Person:
    """A customer, there already or to be made."""

    pk: int = 0
    user_ids: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    first_seen: datetime | None = None  # given to new ones
    anchor: int = 0  # the identity that further ones are evidence beside


class People:
    def __init__(self, *, source: str, now: datetime) -> None:
        self.source, self.now = source, now
        self._by_key: dict[Key, Person] = {}
        self._by_pk: dict[int, Person] = {}
        self._new: list[Person] = []
        self._attached: list[tuple[Key, Person]] = []

    def look_up(self, rows: Iterable[dict[str, str]]) -> None:
        """Read whatever the database knows of these identifiers, in a few queries."""
        for pk, kind, value, customer in _identities(rows):
            person = self._by_pk.setdefault(customer, Person(pk=customer))
            self._by_key[kind, value] = person
            person.anchor = person.anchor or pk
        if not self._by_pk:
            return
        columns = Customer.objects.filter(pk__in=self._by_pk).values_list("pk", *FIELDS)
        for pk, *values in columns:
            self._by_pk[pk].values = dict(zip(FIELDS, values, strict=True))
        user_ids = Identity.objects.filter(customer__in=self._by_pk, kind="user_id")
        for customer, value in user_ids.values_list("customer", "value"):
            self._by_pk[customer].user_ids.add(value)

    def of(self, ids: dict[str, str], *, first_seen: datetime) -> tuple[Person, bool]:
        """(whom these identifiers mean, whether they are new). Raises BadValue: somebody else's.

        A user id decides alone; otherwise an owner of one of the others who is known by no
        other user id.
        """
        keys = list(ids.items())  # the strongest first
        owners = list(map(self._by_key.get, keys))
        user_id = ids.get("user_id")
        person = next((o for o in owners if o and _fits(o, user_id)), None)
        for (kind, value), owner in zip(keys, owners, strict=True):
            if owner is not None and owner is not person:
                raise parsing.BadValue(f"{kind}: {value!r} belongs to another customer")
        is_new = person is None
        if person is None:
            person = Person(first_seen=first_seen)
            self._new.append(person)
        for key, owner in zip(keys, owners, strict=True):
            if owner is None:
                self._by_key[key] = person
                self._attached.append((key, person))
        if user_id:
            person.user_ids.add(user_id)
        return person, is_new

    def fill(self, person: Person, values: dict[str, Any]) -> bool:
        """Write what a row says into the person; return whether it says anything new."""
        if not person.values:
            person.values = values
            return bool(values)
        if "traits" in values:
            values = values | {"traits": person.values.get("traits", {}) | values["traits"]}
        changed = {name for name, value in values.items() if person.values.get(name) != value}
        person.values |= values
        person.changed |= changed
        return bool(changed)

    def save(self) -> None:
        self._make()
        self._change()
        self._attach()

    def _make(self) -> None:
        columns = ("id", "public_id", *FIELDS, "is_known", "first_seen_at", "last_seen_at")
        ids = bulk.reserve(Customer, len(self._new)) if self._new else []
        rows = []
        for pk, person in zip(ids, self._new, strict=True):
            person.pk = pk
            seen = _moment(person.first_seen or self.now)
            rows.append((pk, uuid4().hex, *_row(person.values), True, seen, seen))
        bulk.insert(Customer, columns, rows)
        touches.touch(ids, touches.EVERYTHING)

    def _change(self) -> None:
        changed = [person for person in self._by_pk.values() if person.changed]
        if not changed:
            return
        people = [Customer(pk=person.pk, **person.values) for person in changed]
        Customer.objects.bulk_update(people, FIELDS, batch_size=500)
        for customer, person in zip(people, changed, strict=True):
            touches.touch_fields(customer, *person.changed)

    def _attach(self) -> None:
        """New identifiers, each with an edge to the one that it stood beside."""
        if not self._attached:
            return
        ids = bulk.reserve(Identity, len(self._attached))
        now, identities, edges = _moment(self.now), [], []
        for pk, ((kind, value), person) in zip(ids, self._attached, strict=True):
            identities.append((pk, person.pk, kind, value, self.source, now))
            if person.anchor:
                ends = (person.anchor, pk) if person.anchor < pk else (pk, person.anchor)
                edges.append((*ends, "import", self.source, STRENGTH, now))
            else:
                person.anchor = pk
        names = ("id", "customer", "kind", "value", "source", "first_seen_at")
        bulk.insert(Identity, names, identities)
        bulk.insert(Evidence, ("one", "other", "kind", "source", "strength", "at"), edges)
        known = {person.pk for _, person in self._attached if person.first_seen is None}
        if known:
            Customer.objects.filter(pk__in=known, is_known=False).update(is_known=True)


AS_JSON = json.JSONEncoder(ensure_ascii=False).encode
STRENGTH = Evidence.STRENGTHS[Evidence.Kind.IMPORT]


def _identities(rows: Iterable[dict[str, str]]) -> list[tuple[int, str, str, int]]:
    """(id, kind, value, customer) of those of these identifiers that somebody has."""
    by_kind: dict[str, set[str]] = {}
    for ids in rows:
        for kind, value in ids.items():
            by_kind.setdefault(kind, set()).add(value)
    found: list[tuple[int, str, str, int]] = []
    with connection.cursor() as cursor:  # ten thousand values in a list, not as many parameters
        for kind, values in sorted(by_kind.items()):
            cursor.execute(
                "SELECT id, kind, value, customer_id FROM crm_identity"
                f" WHERE kind = %s AND {bulk.among(Identity, 'value')}",
                [kind, bulk.listed(sorted(values))],
            )
            found += cursor.fetchall()
    return sorted(found, key=lambda row: (STRONGEST_FIRST.index(row[1]), row[0]))


def _fits(person: Person, user_id: str | None) -> bool:
    return user_id is None or not person.user_ids or user_id in person.user_ids


def _row(values: dict[str, Any]) -> tuple[str, ...]:
    return (
        values.get("name", ""),
        values.get("email", ""),
        values.get("phone", ""),
        values.get("language", Customer.Language.ENGLISH.value),
        values.get("country", ""),
        values.get("timezone", "UTC"),
        AS_JSON(values["traits"]) if values.get("traits") else "{}",
    )


@lru_cache(maxsize=1024)
def _moment(at: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(at.astimezone(UTC)))
