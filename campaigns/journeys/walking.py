"""The one step of a journey: where somebody stands, what is so, and what follows from it.

Nothing is read and nothing written here: the same facts give the same moves, whether they are of
this moment or of last month.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from campaigns.journeys.nodes import ENDS, Graph, Node


@dataclass(frozen=True)
class Position:
    """At a node; `rests`: a wait has begun there. `heard_at`: the event came that is waited for."""

    node: str
    rests: bool = False
    heard_at: datetime | None = None


@dataclass(frozen=True)
class Chosen:
    """What was decided for somebody, and when it is to be done. No action: nothing is."""

    action: str
    due_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)  # what the trace keeps of it


@dataclass(frozen=True)
class Facts:
    """What is so of one person: their time zone, which rules hold, and what is drawn for them."""

    zone: str
    holds: Mapping[str, bool]  # by the node of the rule
    drawn: Callable[[str], float]  # a number in [0, 1) for a node, always the same one
    chosen: Mapping[str, Chosen] = field(default_factory=dict)  # where they stand at a decision


@dataclass(frozen=True)
class Move:
    """What happened at one node."""

    node: str
    what: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """The moves in order, and where they end: at a node until `due_at`, or outside (`end`)."""

    moves: tuple[Move, ...]
    node: str
    due_at: datetime | None
    rests: bool = False
    end: str = ""  # the kind of the last node


def walk(graph: Graph, at: Position, facts: Facts, now: datetime) -> Walk:
    """Go on from a position whose time has come, until there is something to wait for."""
    node, moves, has_acted = graph[at.node], [], False
    if at.rests:
        move, way = _go_on(node, at)
        moves, node = [move], graph[way]
    while True:
        if node.kind in ENDS:
            moves.append(Move(node.id, node.kind))
            return Walk(tuple(moves), node.id, None, end=node.kind)
        if node.kind == "wait":
            until = due_at(node, zone=facts.zone, now=now)
            moves.append(Move(node.id, "waits", {"until": until.isoformat()}))
            return Walk(tuple(moves), node.id, until, rests=True)
        if _has_to_be_asked(node, facts, has_acted=has_acted):
            return Walk(tuple(moves), node.id, now)
        has_acted = has_acted or node.kind == "action"
        move, way, until = _pass(node, facts, now)
        moves.append(move)
        if until > now:
            return Walk(tuple(moves), way, until)
        node = graph[way]


def _has_to_be_asked(node: Node, facts: Facts, *, has_acted: bool) -> bool:
    """Whether what decides here is not known yet, so that they are looked at anew, at once.

    A rule, as what was just done to them may decide. A decision, as it is logged and may use
    something up: it is made only for who has come to it.
    """
    if node.decides:
        return node.id not in facts.chosen
    return has_acted and (node.kind, node.mode) == ("split", "rule")


def due_at(node: Node, *, zone: str, now: datetime) -> datetime:
    """Until when somebody rests who comes to this wait now."""
    if node.mode == "until":
        return next_clock(node, zone=zone, now=now)
    return now + timedelta(minutes=node.minutes)


def next_clock(node: Node, *, zone: str, now: datetime) -> datetime:
    """The next time that the clocks of a zone show the time of a node, later than now.

    On a day whose clocks leap over it, as soon as they have leapt; on one that has it twice, the
    first.
    """
    here = zone_of(zone)
    day = now.astimezone(here).date()
    for ahead in range(9):
        date = day + timedelta(days=ahead)
        if node.weekday is not None and date.weekday() != node.weekday:
            continue
        at = datetime.combine(date, node.clock, tzinfo=here).astimezone(UTC)
        if at > now:
            return at
    raise AssertionError("a week has every day")


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _go_on(node: Node, at: Position) -> tuple[Move, str]:
    """Leave a wait that is over."""
    if node.mode != "event":
        return Move(node.id, "waited"), node.next
    if at.heard_at is not None:
        return Move(node.id, "heard", {"at": at.heard_at.isoformat()}), node.next
    return Move(node.id, "not_heard"), node.otherwise


def _pass(node: Node, facts: Facts, now: datetime) -> tuple[Move, str, datetime]:
    """Go through a node at which nobody rests; and the time of day for what comes then."""
    if node.decides:
        return _decided(node, facts.chosen[node.id], now)
    if node.kind != "split":
        return Move(node.id, _deed(node)), node.next, now
    if node.mode == "rule":
        holds = facts.holds[node.id]
        way = node.next if holds else node.otherwise
        return Move(node.id, "split", {"holds": holds}), way, now
    number = facts.drawn(node.id)
    if node.mode == "shares":
        return _shared_out(node, number, now)
    is_in = number < int(node.data["percent"]) / 100
    detail = {"drawn": round(number, 6), "percent": node.data["percent"]}
    return Move(node.id, "split", detail), node.next if is_in else node.otherwise, now


def _shared_out(node: Node, number: float, now: datetime) -> tuple[Move, str, datetime]:
    """The way in whose part of [0, 1) the number lies; each part is as wide as its weight."""
    ends = list(accumulate(weight for weight, _way in node.shares))
    place = bisect_right(ends, number * ends[-1])
    detail = {"drawn": round(number, 6), "way": place + 1, "of": len(ends)}
    return Move(node.id, "split", detail), node.shares[place][1], now


def _deed(node: Node) -> str:
    """What is done to somebody who comes through."""
    if node.kind == "action" and node.mode in ("task", "webhook"):
        return node.mode
    return "passed" if node.kind == "entry" else node.kind


def _decided(node: Node, one: Chosen, now: datetime) -> tuple[Move, str, datetime]:
    """The branch of what was chosen, at the time that it is for; where it has none, the other."""
    move = Move(node.id, "decided", {"action": one.action} | dict(one.detail))
    if one.action in node.branches:
        return move, node.branches[one.action], one.due_at
    return move, node.otherwise, now
