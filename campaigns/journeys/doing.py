"""What the nodes do to people: messages are queued for the sender, traits and tags written."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from campaigns import audiences
from campaigns.journeys import asking, traces
from campaigns.journeys.graph import Graph, Node
from campaigns.journeys.walking import Walk
from campaigns.models import Delivery, JourneyVersion, Passage, Variant
from crm import traits

DEEDS = ("message", "action", "task", "webhook")


class Met(NamedTuple):
    """Somebody at a node, and the how-manieth of their steps it is."""

    passage: Passage
    position: int

    @property
    def occurrence(self) -> int:
        return traces.occurrence_of(self.passage.number, self.position)


def carry_out(
    version: JourneyVersion,
    passages: Sequence[Passage],
    walks: Sequence[Walk],
    *,
    graph: Graph,
    now: datetime,
) -> None:
    """Do what these walks say, in a fixed number of statements for each node they met."""
    met: dict[str, list[Met]] = {}
    for one, made in zip(passages, walks, strict=True):
        for position, move in enumerate(made.moves, start=one.steps_taken):
            if move.what in DEEDS:
                met.setdefault(move.node, []).append(Met(one, position))
    if not met:
        return
    variants = variants_of(version)
    for name, people in sorted(met.items()):
        if graph[name].kind == "message":
            _queue(variants[name], people, now=now)
        else:
            _act(graph[name], people, now=now)
    told = [(graph[name], people) for name, people in met.items() if graph[name].mode == "webhook"]
    if told:
        asking.tell_partners(version.journey, told, now=now)
    _wake([variants[name].campaign_id for name in sorted(met) if graph[name].kind == "message"])


def _act(node: Node, people: Sequence[Met], *, now: datetime) -> None:
    ids = sorted(one.passage.customer_id for one in people)
    if node.mode == "tag":
        traits.tag(ids, node.data["name_of"])
    if node.mode == "trait":
        traits.put(ids, node.data["name_of"], node.data["value"])
    if node.mode == "task":
        asking.give_tasks(node, people, now=now)


def variants_of(version: JourneyVersion) -> Mapping[str, Variant]:
    """By its node, what each message of a version says; the campaign comes with it. One query."""
    ours = Variant.objects.filter(campaign__journey=version.journey_id, label=str(version))
    return {one.campaign.node: one for one in ours.select_related("campaign")}


def _queue(variant: Variant, people: Sequence[Met], *, now: datetime) -> None:
    """One message each. Who has no address, or shares one, is skipped with the reason."""
    rows = [_delivery(variant, one, now=now) for one in people]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    there = Delivery.objects.filter(campaign=variant.campaign_id, step=variant.campaign.node)
    theirs = there.filter(customer__in=[row.customer_id for row in rows])
    known = set(theirs.values_list("customer_id", "occurrence"))
    lost = [row for row in rows if (row.customer_id, row.occurrence) not in known]
    for row in lost:
        row.address, row.status, row.reason = "", Delivery.Status.SKIPPED, "same_address"
    if lost:
        Delivery.objects.bulk_create(lost, ignore_conflicts=True)


def _delivery(variant: Variant, one: Met, *, now: datetime) -> Delivery:
    campaign, person = variant.campaign, one.passage.customer
    member = audiences.Member(person.pk, person.email, person.phone, person.public_id)
    address = member.address(campaign.channel)
    return Delivery(
        campaign=campaign,
        customer_id=person.pk,
        variant=variant,
        step=campaign.node,
        occurrence=one.occurrence,
        channel=campaign.channel,
        address=address,
        message_id=audiences.message_id(campaign.pk, person.pk, occurrence=one.occurrence),
        status=Delivery.Status.QUEUED if address else Delivery.Status.SKIPPED,
        reason="" if address else "no_address",
        due_at=now,
        queued_at=now,
    )


def _wake(campaign_ids: Sequence[int]) -> None:
    from campaigns import tasks  # tasks import this module

    def send() -> None:
        for campaign_id in campaign_ids:
            tasks.start_campaign.delay(campaign_id=campaign_id)

    if campaign_ids:
        transaction.on_commit(send, robust=True)  # a sweep runs anyway
