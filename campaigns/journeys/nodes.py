"""The nodes of a journey and the graph that they make, as they are known once it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

ENDS = ("goal", "exit")


@dataclass(frozen=True)
class Problem:
    """What is wrong, in which field of which node; no node: with the graph itself."""

    node: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.node or 'graph'}.{self.field}: {self.reason}"


class BadGraph(Exception):
    """The graph cannot be walked; `problems` says why, node by node."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Node:
    id: str
    kind: str
    mode: str = ""
    name: str = ""
    next: str = ""
    otherwise: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decides(self) -> bool:
        return (self.kind, self.mode) == ("split", "decision")

    @property
    def has_two_ways(self) -> bool:
        return self.kind == "split" or (self.kind, self.mode) == ("wait", "event")

    @property
    def branches(self) -> dict[str, str]:
        """Of a split by decision: the node that each action leads to."""
        told = self.data.get("branches")
        if not self.decides or not isinstance(told, Mapping):
            return {}
        return {str(action): str(way) for action, way in told.items()}

    @property
    def shares(self) -> list[tuple[int, str]]:
        """Of a split by shares: the weight of each way, and the node that it leads to."""
        told = self.data.get("shares")
        if (self.kind, self.mode) != ("split", "shares") or not isinstance(told, list):
            return []
        given = [one for one in told if isinstance(one, Mapping)]
        return [(_number(one.get("weight")), str(one.get("next") or "")) for one in given]

    @property
    def ways(self) -> tuple[str, ...]:
        if self.kind in ENDS:
            return ()
        if self.mode == "shares":
            return tuple(way for _weight, way in self.shares)
        if self.decides:
            return (*self.branches.values(), self.otherwise)
        return (self.next, self.otherwise) if self.has_two_ways else (self.next,)

    @property
    def minutes(self) -> int:
        return int(self.data.get("minutes", 0))

    @property
    def clock(self) -> time:
        return time.fromisoformat(self.data["at"])

    @property
    def weekday(self) -> int | None:
        value = self.data.get("weekday")
        return None if value in (None, "") else int(value)


@dataclass(frozen=True)
class Graph:
    nodes: Mapping[str, Node]

    def __getitem__(self, node_id: str) -> Node:
        return self.nodes[node_id]

    def get(self, node_id: str) -> Node | None:
        return self.nodes.get(node_id)

    def __contains__(self, node_id: str) -> bool:
        return node_id in self.nodes

    @property
    def entry(self) -> Node:
        return next(node for node in self.nodes.values() if node.kind == "entry")

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]

    def ahead(self, starts: Sequence[str]) -> list[Node]:
        """What can be met from these nodes without a rest, themselves included."""
        found: dict[str, Node] = {}
        waiting = [self.nodes[name] for name in starts if name in self.nodes]
        while waiting:
            node = waiting.pop()
            if node.id in found:
                continue
            found[node.id] = node
            if node.kind != "wait":
                waiting += [self.nodes[way] for way in node.ways]
        return list(found.values())


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
