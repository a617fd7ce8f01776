"""What partners are to hear of, written down: each event once for each webhook, in its order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from crm import partners
from crm.models import Customer, Event, Webhook, WebhookMessage

LONGEST_BODY = 64 * 1024  # bytes; an event with more properties than that goes without them


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Something to be told. `key` is what must not be told twice to the same webhook."""

    customer: Customer | None
    key: str
    kind: str
    at: datetime
    data: Mapping[str, Any]


def hear(event_ids: Sequence[int], *, now: datetime) -> int:
    """Queue these events for whoever wants them; return how many messages that are."""
    found = Event.objects.filter(pk__in=event_ids).select_related("customer")
    events = list(found.order_by("id"))
    total = 0
    for webhook in Webhook.objects.live().select_related("partner").order_by("pk"):
        told = [_telling(event) for event in events if event.kind in webhook.kinds]
        total += queue(webhook, told, now=now) if told else 0
    return total


@transaction.atomic
def queue(webhook: Webhook, tellings: Sequence[Telling], *, now: datetime) -> int:
    """Queue what the partner may hear: of customers that they may see. A few statements in all."""
    # One at a time for each webhook, so that what is told first is numbered first.
    locked = Webhook.objects.live().select_for_update(no_key=True, of=("self",))
    if not locked.filter(pk=webhook.pk).exists():
        return 0
    seen = visible(webhook, [one.customer for one in tellings if one.customer])
    rows = [
        WebhookMessage(
            webhook=webhook,
            customer=one.customer,
            key=one.key,
            kind=one.kind,
            body=body_of(one),
            due_at=now,
            created_at=now,
        )
        for one in tellings
        if one.customer is None or one.customer.pk in seen
    ]
    WebhookMessage.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    if rows:
        wake()
    return len(rows)


def visible(webhook: Webhook, customers: Iterable[Customer]) -> set[int]:
    """Those of these whom the partner may see, by number; one query."""
    ids = {one.pk for one in customers}
    seen = partners.customers_of(webhook.partner).filter(pk__in=ids)
    return set(seen.values_list("pk", flat=True)) if ids else set()


def body_of(told: Telling) -> str:
    """`type`, `timestamp` and `data`, as https://www.standardwebhooks.com has them."""
    head = {"type": told.kind, "timestamp": told.at.isoformat()}
    who = {"customer": {"id": str(told.customer.public_id)} if told.customer else None}
    body = _json(head | {"data": who | dict(told.data)})
    if len(body.encode()) <= LONGEST_BODY:
        return body
    short = {name: value for name, value in told.data.items() if name != "properties"}
    return _json(head | {"data": who | short | {"properties": None, "is_cut": True}})


def wake() -> None:
    from crm import tasks  # tasks import this module

    transaction.on_commit(tasks.send_webhooks.delay, robust=True)  # a sweep runs anyway


def _telling(event: Event) -> Telling:
    return Telling(
        customer=event.customer,
        key=f"event:{event.pk}",
        kind=event.kind,
        at=event.happened_at,
        data={
            "event": event.pk,
            "name": event.name,
            "source": event.source,
            "properties": event.data,
        },
    )


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
