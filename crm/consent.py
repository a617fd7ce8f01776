"""Who may be written to, where, for what; and how we know.

Without a recorded yes the answer is no. The present answer is one row; every answer ever
given stays in ConsentChange with its evidence.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from crm import timeline
from crm.events import ConsentChanged
from crm.models import Consent, ConsentChange, Customer, Suppression, Topic
from crm.segments import touches


class UnknownTopic(Exception):
    """No such topic exists."""


def topic(slug: str) -> Topic:
    try:
        return Topic.objects.get(slug=slug)
    except Topic.DoesNotExist:
        raise UnknownTopic(slug) from None


def may_contact(customer: Customer, *, channel: str, topic: Topic) -> bool:
    return Consent.objects.filter(
        customer=customer, channel=channel, topic=topic, is_granted=True
    ).exists()


def consenting(customers: QuerySet[Customer], *, channel: str, topic: Topic) -> QuerySet[Customer]:
    """Of these customers, those who said yes to this channel and topic."""
    yes = Consent.objects.filter(
        customer=OuterRef("pk"), channel=channel, topic=topic, is_granted=True
    )
    return customers.filter(Exists(yes))


@transaction.atomic
def change(  # noqa: PLR0913  (each is part of the proof)
    customer: Customer,
    *,
    channel: str,
    topic: Topic,
    is_granted: bool,
    source: str,
    evidence: dict[str, Any],
    at: datetime,
    announce: bool = True,
) -> bool:
    """Record an answer; return whether it differs from the one before.

    A repeated answer adds no row, so links may be followed and imports run twice. With
    `announce=False` nobody reacts: for imports.
    """
    now, is_new = Consent.objects.select_for_update().get_or_create(
        customer=customer,
        channel=channel,
        topic=topic,
        defaults={"is_granted": is_granted, "changed_at": at},
    )
    if not is_new and now.is_granted == is_granted:
        return False
    now.is_granted, now.changed_at = is_granted, at
    now.save(update_fields=["is_granted", "changed_at"])
    row = ConsentChange.objects.create(
        customer=customer,
        channel=channel,
        topic=topic,
        is_granted=is_granted,
        source=source,
        evidence=evidence,
        at=at,
    )
    touches.touch([customer.pk], f"consent:{channel}")
    fact = ConsentChanged(channel=channel, topic=topic.slug, is_granted=is_granted)
    timeline.record(customer, fact, at=at, key=str(row.pk), announce=announce)
    return True


def withdraw_all(  # noqa: PLR0913  (each is part of the proof)
    customer: Customer,
    *,
    channel: str,
    source: str,
    evidence: dict[str, Any],
    at: datetime,
    topics: Iterable[Topic] | None = None,
) -> int:
    """Say no to every topic of a channel ("all" for every channel), or to these; return how many
    answers changed."""
    granted = Consent.objects.filter(customer=customer, is_granted=True).select_related("topic")
    if channel != "all":
        granted = granted.filter(channel=channel)
    if topics is not None:
        granted = granted.filter(topic__in=list(topics))
    return sum(
        change(
            customer,
            channel=consent.channel,
            topic=consent.topic,
            is_granted=False,
            source=source,
            evidence=evidence,
            at=at,
        )
        for consent in granted
    )


@transaction.atomic
def turn_back(
    customer: Customer,
    *,
    of: dict[str, Any],
    source: str,
    evidence: dict[str, Any],
    at: datetime,
) -> int:
    """Take back the answers that `source` recorded with the evidence `of`; return how many.

    An answer that was changed since is left as it is.
    """
    told = ConsentChange.objects.filter(customer=customer, source=source, evidence=of)
    told = told.select_related("topic").order_by("-id")
    now = {(c.channel, c.topic_id): c.is_granted for c in Consent.objects.filter(customer=customer)}
    return sum(
        change(
            customer,
            channel=row.channel,
            topic=row.topic,
            is_granted=not row.is_granted,
            source=source,
            evidence=evidence,
            at=at,
        )
        for row in told
        if now.get((row.channel, row.topic_id)) == row.is_granted
    )


def suppress(*, channel: str, address: str, reason: str, at: datetime) -> None:
    Suppression.objects.get_or_create(
        channel=channel, address=address.lower(), defaults={"reason": reason, "at": at}
    )


def suppressed(*, channel: str, addresses: Iterable[str]) -> set[str]:
    """Of these addresses those that must not be written to, in lower case. One query."""
    lower = {address.lower() for address in addresses}
    known = Suppression.objects.filter(channel=channel, address__among=lower)
    return set(known.values_list("address", flat=True))


def is_suppressed(*, channel: str, address: str) -> bool:
    return bool(suppressed(channel=channel, addresses=[address]))
