"""“Last month this would have sent …”: the walk of the present draft over what is on record.

The one step of `walking` is played from every recorded reason to enter, with the events that
followed. Nothing is sent and nothing written. Rules are asked as of the day somebody met them;
traits, scores and segments are those of today, as no other is on record, and decisions what today's
policies would choose.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from campaigns.journeys import chances, choices, hearing
from campaigns.journeys.graph import Graph
from campaigns.journeys.walking import Facts, Position, Walk, walk
from campaigns.models import Journey
from crm import consent, segments
from crm.models import Customer, Event

DAYS = 30
MOST_EVENTS = 20_000
MOST_PEOPLE = 400  # played; of more, the first
MOST_STEPS = 200


@dataclass
class Simulation:
    """What would have happened. `people`: who would have come in, of whom `played` were played."""

    people: int = 0
    played: int = 0
    passages: int = 0
    goals: int = 0
    messages: Counter[str] = field(default_factory=Counter)  # by node
    actions: Counter[str] = field(default_factory=Counter)  # by node: tags, traits, tasks, webhooks
    consenting: int = 0  # of the messages: to people who agree today
    is_possible: bool = True

    @property
    def total(self) -> int:
        return sum(self.messages.values())


def simulate(journey: Journey, graph: Graph, *, now: datetime, days: int = DAYS) -> Simulation:
    """Play the last days. Not possible where outside systems let people in, or the clock does."""
    entry = graph.entry.data
    kind = {"event": entry.get("event"), "segment": "crm.segment_entered"}.get(entry["trigger"])
    if kind is None:
        return Simulation(is_possible=False)
    since = now - timedelta(days=days)
    recorded = Event.objects.filter(kind=kind, happened_at__range=(since, now))
    theirs: dict[int, list[datetime]] = {}
    for event in recorded.order_by("happened_at")[:MOST_EVENTS]:
        if hearing.fits_entry(graph, event):
            theirs.setdefault(event.customer_id, []).append(event.happened_at)
    played = _filtered(graph, theirs.keys(), now=now)
    made = Simulation(people=len(played), played=min(len(played), MOST_PEOPLE))
    player = _Player(journey, graph, played[:MOST_PEOPLE], made, now=now, since=since)
    for customer in player.people:
        player.play(customer, theirs[customer.pk])
    return made


def _filtered(graph: Graph, customer_ids: object, *, now: datetime) -> list[Customer]:
    among = sorted(customer_ids)  # type: ignore[call-overload]
    rule = graph.entry.data.get("rule")
    everybody = Customer.objects.active().filter(pk__in=among)
    found = segments.matching(rule, now=now, among=among) if rule else everybody
    return list(found.only("pk", "timezone").order_by("pk"))


class _Player:
    """Plays the passages of some customers, with what they did in that time at hand."""

    def __init__(
        self,
        journey: Journey,
        graph: Graph,
        people: Sequence[Customer],
        made: Simulation,
        *,
        now: datetime,
        since: datetime,
    ) -> None:
        self.journey, self.graph, self.people, self.made = journey, graph, people, made
        self.now = now
        ids = [one.pk for one in people]
        heard = {node.data["event"] for node in graph.of_kind("wait") if node.mode == "event"}
        kinds = heard | ({journey.goal_event, journey.exit_event} - {""})
        self.events: dict[tuple[int, str], list[datetime]] = {}
        found = Event.objects.filter(customer__in=ids, kind__in=kinds, happened_at__gte=since)
        for pk, kind, at in found.order_by("happened_at").values_list(
            "customer", "kind", "happened_at"
        ):
            self.events.setdefault((pk, kind), []).append(at)
        self.agreed = self._agreed(ids)
        self._rules: dict[tuple[str, object], set[int]] = {}
        self.chosen = {
            node.id: choices.foreseen(node, ids, now=now)
            for node in graph.of_kind("split")
            if node.decides
        }

    def play(self, customer: Customer, moments: Sequence[datetime]) -> None:
        free_from: datetime | None = None
        for at in moments:
            if free_from is not None and (self.journey.again == "never" or at < free_from):
                continue
            self.made.passages += 1
            left = self._passage(customer, at)
            free_from = left
            if self.journey.again == "days":
                free_from = max(left, at + timedelta(days=self.journey.again_days))

    def _passage(self, customer: Customer, at: datetime) -> datetime:
        """One passage; returns when it would have ended."""
        goal = self._next(customer.pk, self.journey.goal_event, at)
        leaves = min(
            filter(None, (goal, self._next(customer.pk, self.journey.exit_event, at))), default=None
        )
        if goal and goal <= at + timedelta(days=self.journey.goal_days):
            self.made.goals += 1
        if chances.is_held_out(
            self.journey.pk, customer.pk, share=float(self.journey.holdout_share)
        ):
            return at
        moment, position = at, Position(self.graph.entry.id)
        for _step in range(MOST_STEPS):
            made = walk(self.graph, position, self._facts(customer, moment), moment)
            self._count(made, customer.pk)
            if made.end or made.due_at is None:
                return moment
            until, heard = self._rest(made, customer.pk, moment)
            if until > self.now or (leaves and leaves <= until):
                return min(filter(None, (leaves, until)))
            moment, position = until, Position(made.node, made.rests, heard)
        return moment

    def _rest(
        self, made: Walk, customer_id: int, moment: datetime
    ) -> tuple[datetime, datetime | None]:
        """Until when somebody rests, and when they did what they waited for."""
        assert made.due_at is not None
        node = self.graph[made.node]
        if node.mode == "event":
            heard = self._next(customer_id, node.data["event"], moment)
            if heard and heard <= made.due_at:
                return heard, heard
        return made.due_at, None

    def _next(self, customer_id: int, kind: str, after: datetime) -> datetime | None:
        moments = self.events.get((customer_id, kind), [])
        place = bisect_right(moments, after)
        return moments[place] if place < len(moments) else None

    def _facts(self, customer: Customer, moment: datetime) -> Facts:
        holds = {
            node.id: customer.pk in self._described(node.id, moment)
            for node in self.graph.of_kind("split")
            if node.mode == "rule"
        }
        drawn = chances.drawer(self.journey.pk, customer.pk)
        chosen = {node: people[customer.pk] for node, people in self.chosen.items()}
        chosen = {node: replace(one, due_at=moment) for node, one in chosen.items()}
        return Facts(customer.timezone, holds, drawn, chosen)

    def _described(self, node: str, moment: datetime) -> set[int]:
        """Whom a rule describes at the end of that day; asked once a day for everybody."""
        day = min(moment.replace(hour=23, minute=59, second=59, microsecond=0), self.now)
        if (node, day) not in self._rules:
            ids = [one.pk for one in self.people]
            found = segments.matching(self.graph[node].data["rule"], now=day, among=ids)
            self._rules[(node, day)] = set(found.values_list("pk", flat=True))
        return self._rules[(node, day)]

    def _count(self, made: Walk, customer_id: int) -> None:
        for move in made.moves:
            if move.what in ("action", "task", "webhook"):
                self.made.actions[move.node] += 1
            if move.what == "message":
                self.made.messages[move.node] += 1
                channel = self.graph[move.node].data["channel"]
                self.made.consenting += customer_id in self.agreed[channel]

    def _agreed(self, ids: Sequence[int]) -> dict[str, set[int]]:
        channels = {node.data["channel"] for node in self.graph.of_kind("message")}
        everybody = Customer.objects.filter(pk__in=ids)
        return {
            channel: set(
                consent.consenting(
                    everybody, channel=channel, topic=self.journey.topic
                ).values_list("pk", flat=True)
            )
            for channel in channels
        }
