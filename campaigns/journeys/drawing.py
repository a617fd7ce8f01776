"""The picture of a graph: layers from the entry down, with the people at every node.

It draws whatever staff have made so far, with or without errors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.journeys import describing
from campaigns.journeys.describing import Names
from campaigns.journeys.graph import Node

WIDE, HIGH, ACROSS, DOWN = 170, 62, 200, 118
Point = tuple[float, float]
Bend = tuple[str, str, int]  # from, to, layer
Place = str | Bend  # in a layer
LONGEST = 21  # characters in a box; Chinese ones are twice as wide


@dataclass(frozen=True)
class Box:
    node: Node
    x: float
    y: float
    title: str
    said: str
    here: int
    passed: int
    is_wrong: bool

    @property
    def middle(self) -> float:
        return self.x + WIDE / 2

    @property
    def bottom(self) -> float:
        return self.y + HIGH


@dataclass(frozen=True)
class Edge:
    path: str
    label: str
    label_x: float
    label_y: float


@dataclass(frozen=True)
class Picture:
    width: float
    height: float
    boxes: Sequence[Box]
    edges: Sequence[Edge]


def nodes_of(raw: Any) -> dict[str, Node]:
    """The nodes of a draft as far as they can be read."""
    found: dict[str, Node] = {}
    listed = raw.get("nodes") if isinstance(raw, Mapping) else None
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, Mapping) or str(one.get("kind")) not in describing.KIND_NAMES:
            continue
        texts = {key: str(one.get(key) or "") for key in ("mode", "name", "next", "otherwise")}
        data = {key: value for key, value in one.items() if key not in {"id", "kind", *texts}}
        name = str(one.get("id"))
        found.setdefault(name, Node(name, str(one["kind"]), data=data, **texts))
    return found


def draw(
    raw: Any,
    names: Names,
    *,
    here: Mapping[str, int] | None = None,
    passed: Mapping[str, int] | None = None,
    wrong: Sequence[str] = (),
) -> Picture:
    """`here`: people at each node now; `passed`: people who came to it so far."""
    nodes = nodes_of(raw)
    layers = _layers(nodes)
    widest = max((len(layer) for layer in layers), default=1)
    boxes, bends = {}, {}
    for depth, layer in enumerate(layers):
        left = (widest - len(layer)) * ACROSS / 2 + 15
        for column, name in enumerate(layer):
            x, y = left + column * ACROSS, depth * DOWN + 15
            if isinstance(name, tuple):
                bends[name] = (x + WIDE / 2, y)
                continue
            boxes[name] = Box(
                nodes[name],
                x,
                y,
                _short(describing.title(nodes[name])),
                _short(describing.said(nodes[name], names)),
                (here or {}).get(name, 0),
                (passed or {}).get(name, 0),
                name in wrong,
            )
    edges = [edge for box in boxes.values() for edge in _edges(box, boxes, bends)]
    height = len(layers) * DOWN
    return Picture(widest * ACROSS + 10, height, list(boxes.values()), edges)


def _layers(nodes: Mapping[str, Node]) -> list[list[Place]]:
    """Each node one layer below the lowest that leads to it; what turns back does not count.

    A way over several layers has a place in each, so that it passes beside the boxes there.
    """
    depth = _depths(nodes)
    levels = range(max(depth.values(), default=-1) + 1)
    layers: list[list[Place]] = [[n for n, d in depth.items() if d == level] for level in levels]
    for name, level in depth.items():
        for way in dict.fromkeys(nodes[name].ways):
            for between in range(level + 1, depth.get(way, 0)):
                layers[between].append((name, way, between))
    lost: list[Place] = [name for name in nodes if name not in depth]
    return [*layers, lost] if lost else layers


def _depths(nodes: Mapping[str, Node]) -> dict[str, int]:
    depth: dict[str, int] = {}

    def visit(name: str, level: int, path: tuple[str, ...]) -> None:
        if name not in nodes or name in path or depth.get(name, -1) >= level:
            return
        depth[name] = level
        for way in nodes[name].ways:
            visit(way, level + 1, (*path, name))

    for name, node in nodes.items():
        if node.kind == "entry":
            visit(name, 0, ())
    return depth


def _edges(box: Box, boxes: Mapping[str, Box], bends: Mapping[Bend, Point]) -> list[Edge]:
    found = []
    ways = zip(box.node.ways, describing.way_names(box.node), strict=False)
    for row, (way, label) in enumerate(ways):
        if (to := boxes.get(way)) is None:
            continue
        if to.y > box.y:
            mine = sorted(bend for bend in bends if bend[:2] == (box.node.id, way))
            path = _down(box, [bends[bend] for bend in mine], to)
            x, y = box.middle + (6 if row else -34), box.bottom + 15
            if len(box.node.ways) > 2:  # there is room only where each arrives
                x, y = to.middle + 6, to.y - 6
        else:  # back to something above: around the left
            x, y1, y2 = min(box.x, to.x), box.y + HIGH / 2, to.y + HIGH / 2
            path = f"M{box.x:g} {y1:g} C{x - 40:g} {y1:g} {x - 40:g} {y2:g} {to.x:g} {y2:g}"
            x, y = x - 12, (y1 + y2) / 2
        found.append(Edge(path, label, x, y))
    return found


def _down(box: Box, bends: Sequence[Point], to: Box) -> str:
    """From the bottom of a box to the top of a lower one, straight through its places between."""
    path, (x, y) = f"M{box.middle:g} {box.bottom:g}", (box.middle, box.bottom)
    for next_x, next_y in [*bends, (to.middle, to.y)]:
        bend = (next_y - y) * 0.6
        path += f" C{x:g} {y + bend:g} {next_x:g} {next_y - bend:g} {next_x:g} {next_y:g}"
        x, y = next_x, next_y
        if (x, y) != (to.middle, to.y):
            y += HIGH
            path += f" L{x:g} {y:g}"
    return path


def _short(text: str) -> str:
    kept, room = "", LONGEST
    for letter in text:
        room -= 2 if ord(letter) > 0x2E80 else 1
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept
