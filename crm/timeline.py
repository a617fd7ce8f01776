"""The customer timeline: the one place where something is said to have happened."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from crm import outbox, told
from crm.events import Fact
from crm.models import Customer, Event, Identity
from crm.segments import touches

SOURCE = "rapport"
FOUND = """
    INSERT INTO crm_event (customer_id, kind, name, source, message_id, data, happened_at,
        received_at, dispatched_at)
    SELECT customer_id, %s, '', %s, message_id, data, %s, %s, %s FROM ({query}) AS found
    WHERE TRUE ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened, ready to be written. `message_id` is unique per source."""

    customer_id: int
    kind: str
    data: dict[str, Any]
    happened_at: datetime
    message_id: str
    source: str
    name: str = ""
    identity: Identity | None = None


def record(  # noqa: PLR0913  (what, of whom, when, by whom, told to whom)
    customer: Customer,
    fact: Fact,
    *,
    at: datetime,
    key: str,
    source: str = SOURCE,
    announce: bool = True,
) -> Event:
    """Append a fact to the timeline. Telling it again with the same key changes nothing."""
    message_id = f"{fact.kind}:{key}"
    entry = Entry(
        customer_id=customer.pk,
        kind=fact.kind,
        data=asdict(fact),  # type: ignore[call-overload]  # facts are dataclasses
        happened_at=at,
        message_id=message_id,
        source=source,
    )
    record_many([entry], received_at=at, announce=announce)
    return told.event(source, message_id)


def record_many(
    entries: Iterable[Entry], *, received_at: datetime, announce: bool = True, batch: int = 1000
) -> int:
    """Append many entries with one statement a batch; return how many were sent to it.

    Entries whose (source, message_id) is known already are passed over by the database.
    With `announce=False` nobody reacts: an import of last year's orders must not send
    this year's messages.
    """
    rows = [_row(entry, received_at, announce) for entry in entries]
    with transaction.atomic(savepoint=False):  # nobody carries on after a failure in here
        Event.objects.bulk_create(rows, batch_size=batch, ignore_conflicts=True)
        touches.touch_each({(row.customer_id, f"event:{row.kind}") for row in rows})
        if any(row.dispatched_at is None for row in rows):
            transaction.on_commit(outbox.wake, robust=True)  # a sweep runs anyway
    return len(rows)


def record_found(query: str, params: Sequence[Any], *, kind: str, at: datetime) -> int:
    """Append one entry for each row of a query: customer_id, data, message_id.

    For what lies in the database already, all of one kind and one moment. Entries that are known
    are passed over, as by `record_many`; returns how many were new.
    """
    waits = outbox.has_subscribers(kind)
    moment = connection.ops.adapt_datetimefield_value(at)
    sql = FOUND.format(query=query)
    with transaction.atomic():
        with connection.cursor() as cursor:
            told = [kind, SOURCE, moment, moment, None if waits else moment]
            cursor.execute(sql, [*told, *params])
            written = int(cursor.rowcount)
        if written and f"event:{kind}" in touches.wanted_keys():
            found = Event.objects.filter(kind=kind, happened_at=at, received_at=at)
            touches.touch(found.values_list("customer_id", flat=True), f"event:{kind}")
        if written and waits:
            transaction.on_commit(outbox.wake, robust=True)  # a sweep runs anyway
    return written


def history(
    customer: Customer, *, until: datetime | None = None, limit: int = 100
) -> "QuerySet[Event]":
    """Return the newest events of a customer, newest first."""
    events = Event.objects.filter(customer=customer)
    if until is not None:
        events = events.filter(happened_at__lte=until)
    return events.order_by("-happened_at", "-id")[:limit]


def _row(entry: Entry, received_at: datetime, announce: bool) -> Event:
    wanted = announce and outbox.has_subscribers(entry.kind)
    return Event(
        customer_id=entry.customer_id,
        identity=entry.identity,
        kind=entry.kind,
        name=entry.name,
        source=entry.source,
        message_id=entry.message_id,
        data=entry.data,
        happened_at=entry.happened_at,
        received_at=received_at,
        dispatched_at=None if wanted else received_at,
    )
