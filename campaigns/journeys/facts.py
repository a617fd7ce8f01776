"""What a batch of people has to be asked before it can walk on: one query for each question."""

from collections.abc import Sequence
from datetime import datetime

from campaigns.journeys.graph import Graph
from campaigns.models import Passage
from crm import segments
from crm.models import Event


def rules(graph: Graph, passages: Sequence[Passage], *, now: datetime) -> dict[str, set[int]]:
    """For each split by rule that may be met before the next rest: the customers it describes.

    A rule that cannot be used any more (its segment is gone) describes nobody.
    """
    starts: set[str] = set()
    for name, rests in {(one.node, one.rests) for one in passages}:
        if name in graph:
            starts.update(graph[name].ways if rests else (name,))
    among = [one.customer_id for one in passages]
    found = {}
    for node in graph.ahead(sorted(starts)):
        if (node.kind, node.mode) != ("split", "rule"):
            continue
        try:
            fitting = segments.matching(node.data["rule"], now=now, among=among)
            found[node.id] = set(fitting.values_list("pk", flat=True))
        except segments.BadRule:
            found[node.id] = set()
    return found


def heard(graph: Graph, passages: Sequence[Passage], *, now: datetime) -> dict[int, datetime]:
    """Whose event came while they waited for it, though nobody told them in time."""
    found: dict[int, datetime] = {}
    for name in sorted({one.node for one in passages if one.rests and one.heard_at is None}):
        if name not in graph or graph[name].mode != "event":
            continue
        here = {one.customer_id: one for one in passages if one.node == name}
        events = Event.objects.filter(
            customer__in=list(here),
            kind=graph[name].data["event"],
            happened_at__gte=min(one.since for one in here.values()),
            happened_at__lte=now,
        )
        for customer_id, at in events.order_by("happened_at").values_list(
            "customer_id", "happened_at"
        ):
            if at >= here[customer_id].since:
                found.setdefault(here[customer_id].pk, at)
    return found
