"""The tracking API's work: entries become identities, events and orders, each once.

A 200 makes a client forget its batch, so an entry that cannot be used is kept as a
DeadLetter with its reason, and the rest of its batch goes on.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F

from crm import customers, orders, timeline, told
from crm.envelope import Entry, Envelope, Unusable, read_entry
from crm.events import IDENTIFIED, KIND_OF_NAME, TRACKED
from crm.models import Customer, DeadLetter, Evidence, Identity, Source
from crm.segments import touches

LANGUAGES = {"zh": "zh-hans", "en": "en"}


@dataclass(frozen=True)
class Receipt:
    """What became of the entries of one request."""

    stored: int
    duplicates: int
    dead: int
    unreadable: tuple[str, ...]  # why, for each of the dead that could not even be read
    refused: tuple[tuple[str, str], ...] = ()  # (message id, why) of those read but not usable


@transaction.atomic
def accept(
    source: Source, envelope: Envelope, *, received_at: datetime, announce: bool = True
) -> Receipt:
    """Store every entry of a request in one transaction; return what became of each.

    With `announce=False` nobody reacts to the events: for imports of the past.
    """
    entries, dead = _read(envelope, source, received_at)
    unreadable = tuple(letter.reason for letter in dead)
    fresh = _without_known(entries, source)
    people = _People(source=source.name, at=received_at)
    rows, refused = [], []
    for entry in fresh:
        try:
            with transaction.atomic():
                rows.append(_apply(entry, people, source))
        except (Unusable, orders.UnusableOrder) as reason:
            people.forget()  # what this entry made was rolled back
            dead.append(_dead(source, str(reason), entry.data, received_at))
            refused.append((entry.message_id, str(reason)))
    timeline.record_many(rows, received_at=received_at, announce=announce)
    people.seen(fresh)
    DeadLetter.objects.bulk_create(dead)
    if duplicates := len(entries) - len(fresh):
        Source.objects.filter(pk=source.pk).update(duplicates=F("duplicates") + duplicates)
    return Receipt(len(rows), duplicates, len(dead), unreadable, tuple(refused))


def _read(
    envelope: Envelope, source: Source, received_at: datetime
) -> tuple[list[Entry], list[DeadLetter]]:
    entries, dead = [], []
    for raw in envelope.entries:
        try:
            entries.append(read_entry(raw, envelope, received_at=received_at))
        except Unusable as reason:
            dead.append(_dead(source, str(reason), raw, received_at))
    return entries, dead


def _dead(source: Source, reason: str, raw: Any, at: datetime) -> DeadLetter:
    payload = json.dumps(raw, ensure_ascii=False, default=str).replace("\\u0000", "")
    kept = payload.encode("utf-8", "replace").decode("utf-8")[:65_536]
    return DeadLetter(source=source, reason=reason[:300], payload=kept, received_at=at)


def _without_known(entries: list[Entry], source: Source) -> list[Entry]:
    """Leave out what was told before, in this batch or an earlier one."""
    ids = [entry.message_id for entry in entries if entry.message_id]
    known = told.known(source.name, ids)
    fresh = []
    for entry in entries:
        if entry.message_id and entry.message_id in known:
            continue
        known.add(entry.message_id)
        fresh.append(entry)
    return fresh


class _People:
    """Finds the customer of each entry, asking the database once for each identifier."""

    def __init__(self, *, source: str, at: datetime) -> None:
        self.source, self.at = source, at
        self._known: dict[tuple[str, str], Identity] = {}

    def of(self, entry: Entry) -> tuple[Customer, Identity]:
        keys = self._keys(entry)
        identities = [self._identity(key) for key in keys]
        owners = {identity.customer_id for identity in identities if identity is not None}
        if None in identities or len(owners) != 1:
            customer = customers.resolve(dict(keys), source=self.source, at=entry.happened_at)
            for key in keys:  # a merge may have moved them
                self._known.pop(key, None)
            identities = [self._identity(key) for key in keys]
            return customer, identities[0]  # type: ignore[return-value]  # resolve made it
        first = identities[0]
        assert first is not None
        return first.customer, first

    def alias(self, entry: Entry) -> None:
        """Join what `previousId` did to `userId`; refused for two different known people."""
        winner = customers.resolve({"user_id": entry.user_id}, source=self.source, at=self.at)
        loser = customers.resolve(
            {"anonymous_id": entry.previous_id}, source=self.source, at=self.at
        )
        if winner.pk == loser.pk:
            return
        try:
            customers.merge(
                winner,
                loser,
                evidence="alias",
                source=self.source,
                at=entry.happened_at,
                kind=Evidence.Kind.ALIAS,
            )
        except customers.NotMergeable as refusal:
            raise Unusable(f"previousId: {refusal}") from None
        self.forget()

    def forget(self) -> None:
        self._known.clear()

    def seen(self, entries: Iterable[Entry]) -> None:
        """Move the last moment we saw each of them forward."""
        latest: dict[int, datetime] = {}
        for entry in entries:
            if identity := self._known.get(self._keys(entry)[0]):
                pk = identity.customer_id
                latest[pk] = max(latest.get(pk, entry.happened_at), entry.happened_at)
        touches.touch(latest, "field:last_seen_at")
        for pk, at in latest.items():
            Customer.objects.filter(pk=pk, last_seen_at__lt=at).update(last_seen_at=at)

    @staticmethod
    def _keys(entry: Entry) -> list[tuple[str, str]]:
        """The identifiers of an entry, the stronger first."""
        pairs = (("user_id", entry.user_id), ("anonymous_id", entry.anonymous_id))
        return [(kind, customers.normalise(kind, value)) for kind, value in pairs if value]

    def _identity(self, key: tuple[str, str]) -> Identity | None:
        if key not in self._known:
            kind, value = key
            identity = (
                Identity.objects.filter(kind=kind, value=value).select_related("customer").first()
            )
            if identity is None:
                return None
            self._known[key] = identity
        return self._known[key]


def _apply(entry: Entry, people: _People, source: Source) -> timeline.Entry:
    if entry.call == "alias":
        people.alias(entry)
    customer, identity = people.of(entry)
    kind = _kind(entry)
    if entry.call == "identify":
        _learn(customer, entry, source)
    elif kind == "crm.order_placed":
        orders.complete(customer, entry.data, source=source.name, at=entry.happened_at)
        kind = TRACKED  # the order has told its own fact
    elif kind == "crm.order_refunded":
        orders.refund(customer, entry.data, source=source.name, at=entry.happened_at)
        kind = TRACKED
    return timeline.Entry(
        customer_id=customer.pk,
        identity=identity,
        kind=kind,
        name=entry.name or entry.call,
        data=_with_sku(entry.data),
        happened_at=entry.happened_at,
        message_id=entry.message_id or uuid.uuid4().hex,
        source=source.name,
    )


def _kind(entry: Entry) -> str:
    if entry.call == "identify":
        return IDENTIFIED
    if entry.call == "track":
        return KIND_OF_NAME.get(entry.name, TRACKED)
    return f"crm.{entry.call}"


def _with_sku(data: dict[str, Any]) -> dict[str, Any]:
    """Senders call a product `sku` or `product_id`; readers of the timeline find `sku`."""
    if "sku" not in data and data.get("product_id"):
        return data | {"sku": str(data["product_id"])}
    return data


def _learn(customer: Customer, entry: Entry, source: Source) -> None:
    """Keep the traits of an identify call; name, address and language have columns."""
    traits = {key: value for key, value in entry.data.items() if value is not None}
    name = traits.get("name") or " ".join(
        str(traits[key]) for key in ("firstName", "lastName") if traits.get(key)
    )
    if isinstance(name, str) and name.strip():
        customer.name = name.strip()[:200]
    if isinstance(email := traits.get("email"), str):
        _learn_email(customer, email, entry, source)
    locale = traits.get("locale") or traits.get("language") or entry.context.get("locale")
    if isinstance(locale, str) and locale[:2].lower() in LANGUAGES:
        customer.language = LANGUAGES[locale[:2].lower()]
    columns = ("name", "firstName", "lastName", "email", "locale", "language")
    customer.traits = customer.traits | {k: v for k, v in traits.items() if k not in columns}
    customer.save(update_fields=["name", "email", "language", "traits"])
    touches.touch_fields(customer, "name", "email", "language", "traits")


def _learn_email(customer: Customer, email: str, entry: Entry, source: Source) -> None:
    """An address that somebody else holds is not taken from them by saying so."""
    email = customers.normalise(Identity.Kind.EMAIL, email)
    try:
        validate_email(email)
    except ValidationError:
        raise Unusable(f"traits.email: {email[:80]!r} is not an address") from None
    mine = customers.attach(
        customer, Identity.Kind.EMAIL, email, source=source.name, at=entry.happened_at
    )
    if mine:
        customer.email = email
