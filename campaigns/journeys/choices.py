"""Splits by decision: a placement is asked for whoever stands at one, once for each time."""

from collections.abc import Sequence
from datetime import datetime

from campaigns import decisions
from campaigns.decisions import Decided, PlacementClosed, UnknownPlacement
from campaigns.journeys.graph import Graph, Node
from campaigns.journeys.walking import Chosen
from campaigns.models import NOTHING, Passage


def at_splits(
    graph: Graph, passages: Sequence[Passage], *, now: datetime
) -> dict[int, dict[str, Chosen]]:
    """By passage: what is chosen at the split where they stand; logged, with what they do next.

    A key of the passage and its step: who is moved by two workers in turn is decided for once.
    """
    found: dict[int, dict[str, Chosen]] = {}
    for name in sorted({one.node for one in passages if not one.rests and one.node in graph}):
        if (node := graph[name]).decides:
            here = {
                f"passage {one.pk} {one.steps_taken}": one
                for one in passages
                if one.node == name and not one.rests
            }
            made = _decided(node, {key: one.customer_id for key, one in here.items()}, now=now)
            for key, one in here.items():
                found[one.pk] = {name: _chosen(node, made.get(key), now=now)}
    return found


def foreseen(node: Node, customers: Sequence[int], *, now: datetime) -> dict[int, Chosen]:
    """By customer: what would be chosen for them today; nothing is logged."""
    try:
        placement = decisions.placement_of(node.data["placement"])
        made = {one.customer_id: one for one in decisions.look_many(customers, placement, now=now)}
    except (UnknownPlacement, PlacementClosed):
        made = {}
    return {pk: _chosen(node, made.get(pk), now=now) for pk in customers}


def _decided(node: Node, asks: dict[str, int], *, now: datetime) -> dict[str, Decided]:
    """By key; nothing where the placement is closed or gone."""
    try:
        placement = decisions.placement_of(node.data["placement"])
    except (UnknownPlacement, PlacementClosed):
        return {}
    return decisions.decide_each([(pk, key) for key, pk in asks.items()], placement, now=now)


def _chosen(node: Node, one: Decided | None, *, now: datetime) -> Chosen:
    if one is None:
        return Chosen(NOTHING, now, {"placement": node.data["placement"]})
    detail = {
        "placement": node.data["placement"],
        "decision": str(one.public_id),
        "chance": round(one.made.propensity, 6),
    }
    return Chosen(one.choice, max(one.made.due_at, now), detail)
