"""Decisions that a message carries: made once a message, and rewarded by what it brings."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from campaigns.decisions.deciding import (
    Decided,
    PlacementClosed,
    UnknownPlacement,
    decide_each,
    placement_of,
)
from campaigns.decisions.rewarding import OutsideWindow, reward
from campaigns.events import MessageClicked, Unsubscribed
from campaigns.journeys import traces
from campaigns.models import Decision, Delivery, Reward
from crm.models import Event

KINDS = {MessageClicked.kind: Reward.Kind.CLICK, Unsubscribed.kind: Reward.Kind.UNSUBSCRIBE}


class Wish(NamedTuple):
    """A message that speaks of a placement."""

    delivery: int
    customer: int
    placement: str


def key_of(delivery: int) -> str:
    return f"delivery {delivery}"


def decided(
    wishes: Iterable[Wish], *, channel: str, now: datetime
) -> dict[int, dict[str, Decided]]:
    """By delivery and placement; a message that is made again says what it said before.

    Where a placement is closed or unknown, nothing is decided and the template says nothing of it.
    """
    asked: dict[str, dict[str, Wish]] = {}
    for wish in wishes:
        asked.setdefault(wish.placement, {})[key_of(wish.delivery)] = wish
    found: dict[int, dict[str, Decided]] = {}
    for slug, by_key in asked.items():
        with suppress(UnknownPlacement, PlacementClosed):
            placement = placement_of(slug)
            asks = [(wish.customer, key) for key, wish in by_key.items()]
            made = decide_each(asks, placement, now=now, channels=(channel,))
            for key, one in made.items():
                found.setdefault(by_key[key].delivery, {})[slug] = one
    return found


def behind(delivery: Delivery) -> list[Decision]:
    """The decisions that a message carried, and the last one that led to it in its journey."""
    inside = Decision.objects.filter(customer=delivery.customer_id, key=key_of(delivery.pk))
    found = list(inside.select_related("placement").order_by("pk"))
    if public_id := traces.decision_before(delivery):
        led = Decision.objects.filter(public_id=public_id, customer=delivery.customer_id)
        found += led.select_related("placement")
    return found


def credit(event: Event) -> int:
    """A message was clicked, or its reader left: reward what it carried; how many are new.

    A message that is clicked twice is one reward.
    """
    kind = KINDS.get(event.kind)
    rows = Delivery.objects.select_related("campaign")
    delivery = rows.filter(pk=event.data.get("delivery_id"), customer=event.customer_id).first()
    if kind is None or delivery is None:
        return 0
    credited, at = 0, event.happened_at
    for decision in behind(delivery):
        with suppress(OutsideWindow):
            key = f"{kind} {delivery.pk}"
            _, is_new = reward(decision, kind=kind, key=key, at=at, received_at=event.received_at)
            credited += is_new
    return credited
