"""What journeys ask of others: tasks for staff, and partners who are told by webhook.

Each is keyed by the passage and the step in it, so that a step played again asks for nothing more.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.contrib.auth.models import Group

from campaigns.journeys.graph import Node
from campaigns.models import Journey, Passage, StaffTask
from crm import webhooks
from crm.models import Webhook

STEP = "campaigns.journey_step"  # the type of what partners are told


class Met(Protocol):
    """Somebody at a node, and the how-manieth of their steps it is."""

    @property
    def passage(self) -> Passage: ...
    @property
    def position(self) -> int: ...


def give_tasks(node: Node, people: Sequence[Met], *, now: datetime) -> None:
    """A task for each. Two queries."""
    group = node.data.get("group")
    there = Group.objects.filter(pk=group).exists() if group else False
    rows = [
        StaffTask(
            key=_key(one),
            passage=one.passage,
            customer_id=one.passage.customer_id,
            title=node.data["name_of"],
            group_id=group if there else None,
            due_at=now + timedelta(days=node.data["days"]),
            created_at=now,
        )
        for one in people
    ]
    StaffTask.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def tell_partners(
    journey: Journey, met: Iterable[tuple[Node, Sequence[Met]]], *, now: datetime
) -> None:
    """Queue what partners are to be told, as far as they may see the customers."""
    # In the order of the webhooks, which are locked: two journeys may name the same two.
    for node, people in sorted(met, key=lambda one: one[0].data["webhook"]):
        webhook = Webhook.objects.filter(pk=node.data["webhook"]).select_related("partner").first()
        if webhook is None:
            continue
        tellings = [
            webhooks.Telling(
                customer=one.passage.customer,
                key=_key(one),
                kind=STEP,
                at=now,
                data={
                    "name": node.data["name_of"],
                    "journey": {"id": journey.pk, "name": journey.name, "node": node.id},
                    "passage": one.passage.pk,
                },
            )
            for one in people
        ]
        webhooks.queue(webhook, tellings, now=now)


def _key(one: Met) -> str:
    return f"passage:{one.passage.pk}:{one.position}"
