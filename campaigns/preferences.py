"""What a customer wants to hear of, as they say it on the page behind every message."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from campaigns import tracking
from campaigns.models import Delivery
from crm import consent, customers
from crm.models import Channel, Consent, Topic


@dataclass(frozen=True)
class Choice:
    """One topic and whether they want it."""

    topic: Topic
    is_granted: bool
    is_of_message: bool


def topics_of(delivery: Delivery) -> list[Choice]:
    granted = set(
        Consent.objects.filter(
            customer=delivery.customer_id, channel=delivery.channel, is_granted=True
        ).values_list("topic_id", flat=True)
    )
    return [
        Choice(topic, topic.pk in granted, topic.pk == delivery.campaign.topic_id)
        for topic in Topic.objects.order_by("pk")
    ]


@transaction.atomic
def save(delivery: Delivery, *, wanted: set[str], at: datetime) -> None:
    """Set every topic to what was ticked. Without the message's own topic it is an unsubscribe."""
    for choice in topics_of(delivery):
        is_granted = choice.topic.slug in wanted
        if is_granted == choice.is_granted:
            continue
        if choice.is_of_message and not is_granted:
            tracking.unsubscribed(delivery, source="preferences", everything=False, at=at)
            continue
        consent.change(
            delivery.customer,
            channel=delivery.channel,
            topic=choice.topic,
            is_granted=is_granted,
            source="preferences",
            evidence={"delivery": delivery.pk},
            at=at,
        )


def confirm(delivery: Delivery, *, at: datetime) -> None:
    """Whoever acts on the page behind a mail reads what comes to its address."""
    if delivery.channel == Channel.EMAIL:
        customers.verify(delivery.customer, "email", delivery.address, source="preferences", at=at)


def masked(address: str) -> str:
    """Enough to recognise one's own address, too little to learn another's."""
    name, at, host = address.partition("@")
    return f"{name[:1]}•••{at}{host}" if at else f"{address[:2]}•••"
