"""Another graph under the feet of the people inside.

The policy, which the preview states and this module carries out: who waits at a node that the new
version has too, as a wait of the same mode, stays and waits until the moment that was promised.
Who stands at a node that is gone goes on at once at the first node after it (along `next`) that
the new version still has. Where there is none, they leave.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from campaigns.journeys import checking, kinds, leaving, running
from campaigns.journeys.graph import Graph
from campaigns.models import Campaign, Journey, JourneyVersion, Passage, Template, Variant

State = Passage.State
STAY, LEAVE = "=", ""  # neither is the id of a node
BATCH = 2000


@dataclass(frozen=True)
class Preview:
    """How many people stay, move on (from, to, how many) and leave (from, how many)."""

    stay: int
    moves: tuple[tuple[str, str, int], ...]
    leaves: tuple[tuple[str, int], ...]

    @property
    def move(self) -> int:
        return sum(number for _from, _to, number in self.moves)

    @property
    def leave(self) -> int:
        return sum(number for _from, number in self.leaves)

    @property
    def total(self) -> int:
        return self.stay + self.move + self.leave


def fates(old: Graph, new: Graph) -> Mapping[str, str]:
    """What becomes of who is at each node of the old graph: STAY, the node they go to, or LEAVE."""
    found = {}
    for node in old.nodes.values():
        if node.id in new and (new[node.id].kind, new[node.id].mode) == (node.kind, node.mode):
            found[node.id] = STAY
        elif node.id in new and new[node.id].kind != "entry":
            found[node.id] = node.id  # it means something else now: they come to it anew
        else:
            found[node.id] = _heir(node.id, old, new)
    return found


def preview(journey: Journey, new: Graph) -> Preview:
    """What publishing this graph would do to those who are inside now."""
    counted: Counter[tuple[str, str]] = Counter()
    rows = Passage.objects.walking().filter(journey=journey).values_list("version_id", "node")
    versions = {one.pk: one for one in journey.versions.all()}
    stay = 0
    for version_id, node, number in rows.annotate(number=Count("pk")).order_by():
        fate = fates(running.graph_of(versions[version_id]), new).get(node, LEAVE)
        if fate == STAY:
            stay += number
        else:
            counted[(node, fate)] += number
    moves = tuple((a, b, n) for (a, b), n in sorted(counted.items()) if b != LEAVE)
    leaves = tuple((a, n) for (a, b), n in sorted(counted.items()) if b == LEAVE)
    return Preview(stay, moves, leaves)


def publish(journey: Journey, *, now: datetime, by: Any = None) -> JourneyVersion:
    """Make a version of the draft and let it run. Raises BadGraph."""
    version = _make(journey, now=now, by=by)
    journey.version = version
    # In transactions of its own: whoever moves people on holds them, and waits for what we hold.
    carry_over(journey, now=now)
    return version


@transaction.atomic
def _make(journey: Journey, *, now: datetime, by: Any) -> JourneyVersion:
    journey = Journey.objects.select_for_update(of=("self",)).get(pk=journey.pk)
    graph = checking.checked(journey.draft)
    last = journey.versions.order_by("-number").first()
    version = JourneyVersion.objects.create(
        journey=journey,
        number=last.number + 1 if last else 1,
        graph=journey.draft,
        created_by=by,
        created_at=now,
    )
    _make_variants(journey, version, graph)
    journey.version, journey.listens = version, kinds.of(journey, graph)
    journey.save(update_fields=["version", "listens"])
    kinds.forget()
    return version


def carry_over(journey: Journey, *, now: datetime) -> int:
    """Bring everybody who is inside an older version into the present one; return how many.

    May run at any time and be killed: who was on the way meanwhile is brought along later.
    """
    if journey.version is None:
        return 0
    new = running.graph_of(journey.version)
    older = Passage.objects.walking().filter(journey=journey).exclude(version=journey.version)
    moved = 0
    for old in journey.versions.filter(pk__in=older.values("version")).order_by("pk"):
        for node, fate in fates(running.graph_of(old), new).items():
            while done := _carry(older.filter(version=old, node=node), journey, fate, now=now):
                moved += done
    return moved


@transaction.atomic
def _carry(here: QuerySet[Passage], journey: Journey, fate: str, *, now: datetime) -> int:
    """Some of those at one node; beside `hearing`, which takes the same lock first."""
    Journey.objects.select_for_update(no_key=True, of=("self",)).get(pk=journey.pk)
    locked = here.select_for_update(of=("self",)).order_by("pk")
    ids = list(locked.values_list("pk", flat=True)[:BATCH])
    some = Passage.objects.filter(pk__in=ids)
    if fate == STAY:
        return some.update(version=journey.version)
    if fate == LEAVE:
        return leaving.leave(list(some), state=State.LEFT, what="no_way", detail={}, now=now)
    anew = {"rests": False, "due_at": now, "heard_at": None}
    return some.update(version=journey.version, node=fate, **anew)


def _heir(name: str, old: Graph, new: Graph) -> str:
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        ways = old[name].ways
        if not ways:
            return LEAVE
        name = ways[0]
        if name in new and new[name].kind != "entry":
            return name
    return LEAVE


def _make_variants(journey: Journey, version: JourneyVersion, graph: Graph) -> None:
    """Each message goes by a campaign of its own, of which every version is a variant."""
    templates = Template.objects.in_bulk([n.data["template"] for n in graph.of_kind("message")])
    for node in graph.of_kind("message"):
        campaign, _ = Campaign.objects.update_or_create(
            journey=journey,
            node=node.id,
            channel=node.data["channel"],
            defaults=campaign_fields(journey)
            | {"name": f"{journey.name} · {node.name or node.id}"[:100]},
        )
        template = templates[node.data["template"]]
        Variant.objects.create(campaign=campaign, label=str(version), template=template)


def campaign_fields(journey: Journey) -> dict[str, Any]:
    """What a campaign of a journey has from it: the rules of the door, and whether it is open."""
    names = ("topic", "cap_messages", "cap_days", "quiet_from", "quiet_until", "created_by")
    fields = {name: getattr(journey, name) for name in names}
    is_live = journey.state == Journey.State.LIVE
    status = Campaign.Status.SENDING if is_live else Campaign.Status.PAUSED
    return fields | {"status": status, "holdout_share": 0, "started_at": journey.launched_at}
