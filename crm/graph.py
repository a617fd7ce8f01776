"""The knowledge graph: customers, products and all that joins them, as a view over the tables.

Nothing is copied. Each kind of edge knows its one query from either end; a step reads each kind
once, whatever the number of nodes, and no node shows more than DEGREE neighbours of a kind.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Window
from django.db.models.fields.json import KT
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from crm import baskets
from crm.models import (
    Brand,
    Category,
    Customer,
    Event,
    Interest,
    Membership,
    OrderLine,
    Product,
    Segment,
)

DEGREE = 25  # neighbours of one node by one kind of edge
WIDEST = 400  # nodes that one step is taken from
DEEPEST = 4
KINDS = {
    "customer": _("customer"),
    "product": _("product"),
    "brand": _("brand"),
    "category": _("category"),
    "segment": _("segment"),
    "conversation": _("conversation"),
}
# What an edge says, from its source to its target; English, then Chinese.
SAYS = {
    "bought": ("{0} bought {1}", "{0}买过{1}"),
    "viewed": ("{0} looked at {1}", "{0}看过{1}"),
    "belongs_to": ("{0} is in {1}", "{0}属于{1}"),
    "made_by": ("{0} is made by {1}", "{0}的品牌是{1}"),
    "member_of": ("{0} belongs to “{1}”", "{0}属于“{1}”"),
    "said": ("{0} spoke in {1}", "{0}参与了{1}"),
    "mentioned": ("{0} asked about {1} in the chat", "{0}在聊天中问过{1}"),
    "together": ("{0} is often bought with {1}", "{0}常与{1}一起购买"),
}


@dataclass(frozen=True, order=True)
class Node:
    """A row of some table; a conversation is known by its public id alone."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


@dataclass(frozen=True, order=True)
class Edge:
    kind: str
    source: Node
    target: Node

    def other(self, node: Node) -> Node:
        return self.target if node == self.source else self.source


@dataclass(frozen=True)
class Path:
    """Nodes in the order they are passed, and the edge between each two."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()

    def beyond(self, edge: Edge) -> "Path":
        return Path((*self.nodes, edge.other(self.nodes[-1])), (*self.edges, edge))


class UnknownNode(Exception):
    """No such thing, or not the name of a node."""


def parse(text: str) -> Node:
    """`customer:12` as a node. Raises UnknownNode; whether the row exists `names` says."""
    kind, _colon, key = text.strip().partition(":")
    if kind not in KINDS or not key or len(key) > 64 or (kind != "conversation" and not _id(key)):
        raise UnknownNode(text[:80])
    return Node(kind, key)


def neighbours(nodes: Collection[Node]) -> list[Edge]:
    """The edges at these nodes, in a stable order. At most one query for each kind and end."""
    by_kind: dict[str, list[str]] = {}
    for node in sorted(nodes)[:WIDEST]:
        by_kind.setdefault(node.kind, []).append(node.key)
    found: set[Edge] = set()
    for relation in RELATIONS:
        ends = (relation.source, relation.target) if relation.both_ways else (relation.source,)
        for end, kind in enumerate(ends):
            if keys := by_kind.get(kind):
                found.update(relation.edges(keys, end))
    found.update(_together([int(key) for key in by_kind.get("product", [])]))
    return sorted(found)


def paths(start: Node, end: Node, *, depth: int = DEEPEST, limit: int = 10) -> list[Path]:
    """The shortest ways from one node to another, searched from both ends. Shortest first.

    Steps are taken in turn from either side, so that four steps read two rings around each.
    """
    depth = min(depth, DEEPEST)
    at: dict[Node, set[Edge]] = {}
    rings = [{start}, {end}]
    known = [{start}, {end}]
    for step in range(depth):
        side = step % 2
        for edge in neighbours(rings[side]):
            at.setdefault(edge.source, set()).add(edge)
            at.setdefault(edge.target, set()).add(edge)
        reached = {edge.other(node) for node in rings[side] for edge in at.get(node, ())}
        rings[side] = reached - known[side]
        known[side] |= reached
    return _ways(at, start, end, depth=depth, limit=limit)


def names(nodes: Iterable[Node], language: str) -> dict[Node, str]:
    """What people call them; who does not exist is missing. One query a kind."""
    wanted: dict[str, list[str]] = {}
    for node in nodes:
        wanted.setdefault(node.kind, []).append(node.key)
    found: dict[Node, str] = {}
    for kind, keys in wanted.items():
        if kind == "conversation":
            word = "会话" if language.startswith("zh") else "chat"
            found |= {Node(kind, key): f"{word} #{key[:8]}" for key in keys}
            continue
        for row in TABLES[kind].objects.filter(pk__in=keys):
            found[Node(kind, str(row.pk))] = _name(row, language)
    return found


def sentence(path: Path, called: dict[Node, str], language: str) -> str:
    """A path in words, edge by edge."""
    chinese = language.startswith("zh")
    said = [
        SAYS[edge.kind][chinese].format(_called(edge.source, called), _called(edge.target, called))
        for edge in path.edges
    ]
    return ("；" if chinese else "; ").join(said)


def because(path: Path, called: dict[Node, str], language: str) -> str | None:
    """Why a customer may want the product at the end of a path, with nobody else's name in it."""
    chinese = language.startswith("zh")
    shape = tuple(edge.kind for edge in path.edges)
    if not shape or shape[0] not in ("bought", "viewed") or shape[1:] not in REASONS:
        return None
    first = _called(path.nodes[1], called)
    middle = _called(path.nodes[2], called)
    start = (
        {"bought": "因为您买过{0}", "viewed": "因为您看过{0}"}
        if chinese
        else {"bought": "because you bought {0}", "viewed": "because you looked at {0}"}
    )[shape[0]]
    rest = REASONS[shape[1:]][chinese]
    text = f"{start}，{rest}" if chinese else f"{start}, {rest}"
    return text.format(first, _called(path.nodes[-1], called), middle)


# What follows the first product of a path: {0} it, {1} the last product, {2} what lies between.
REASONS = {
    ("together",): ("and {1} is often bought with it", "而{1}常与它一起购买"),
    ("bought", "bought"): ("and people who bought {0} bought {1}", "而买过{0}的人也买了{1}"),
    ("belongs_to", "belongs_to"): ("and {1} is in {2}, too", "而{1}同属{2}"),
    ("made_by", "made_by"): ("and {1} is made by {2}, too", "而{1}同为{2}出品"),
}


@dataclass(frozen=True)
class Relation:
    """Edges that rows of a table are: the fields with the keys of their ends."""

    kind: str
    source: str
    target: str
    rows: Callable[[], QuerySet[Any]] = field(compare=False)
    fields: tuple[str, str] = ("", "")
    both_ways: bool = True  # events are found by their customer alone: data has no index

    def edges(self, keys: list[str], end: int) -> list[Edge]:
        """The edges whose source (0) or target (1) is one of these, the newest of each first."""
        near, far = self.fields[end], self.fields[1 - end]
        rank = Window(RowNumber(), partition_by=F(near), order_by=F("pk").desc())
        rows = self.rows().filter(**{f"{near}__in": keys, f"{far}__isnull": False})
        rows = rows.annotate(rank=rank).filter(rank__lte=DEGREE)
        pairs = rows.values_list(*self.fields)
        return [
            Edge(self.kind, Node(self.source, str(one)), Node(self.target, str(other)))
            for one, other in pairs
        ]


def _sold() -> QuerySet[Any]:
    paid = OrderLine.objects.filter(quantity__gt=0, order__is_refund=False)
    return paid.exclude(order__status__in=("cancelled", "pending_payment"))


def _seen() -> QuerySet[Any]:
    seen = Event.objects.filter(kind="crm.product_viewed").annotate(sku=KT("data__sku"))
    product = Product.objects.filter(sku=OuterRef("sku")).values("pk")[:1]
    return seen.annotate(product=Subquery(product))


def _spoken() -> QuerySet[Any]:
    told = Event.objects.filter(kind="chatbot.message_received")
    return told.annotate(conversation=KT("data__conversation"))


def _asked_about(kind: str, named: type[Brand] | type[Category]) -> Callable[[], QuerySet[Any]]:
    """Interests of a kind that the chat speaks for, with the row that they name."""

    def rows() -> QuerySet[Any]:
        row = named.objects.filter(slug=OuterRef("value")).values("pk")[:1]
        asked = Interest.objects.filter(kind=kind, evidence__has_key="asked")
        return asked.annotate(named=Subquery(row))

    return rows


RELATIONS = (
    Relation("bought", "customer", "product", _sold, ("order__customer_id", "product_id")),
    Relation("belongs_to", "product", "category", Product.objects.all, ("pk", "category_id")),
    Relation("made_by", "product", "brand", Product.objects.all, ("pk", "brand_id")),
    Relation(
        "member_of", "customer", "segment", Membership.objects.all, ("customer_id", "segment_id")
    ),
    Relation("viewed", "customer", "product", _seen, ("customer_id", "product"), both_ways=False),
    Relation(
        "said",
        "customer",
        "conversation",
        _spoken,
        ("customer_id", "conversation"),
        both_ways=False,
    ),
    *(
        Relation(
            "mentioned",
            "customer",
            kind,
            _asked_about(kind, model),
            ("customer_id", "named"),
            both_ways=False,
        )
        for kind, model in (("brand", Brand), ("category", Category))
    ),
)
TABLES: dict[str, Any] = {
    "customer": Customer,
    "product": Product,
    "brand": Brand,
    "category": Category,
    "segment": Segment,
}


def _together(products: list[int]) -> list[Edge]:
    """Pairs by significant rules; they come from the serving artifact, not from a table.

    A pair is one edge, whichever of its two products the rule begins at.
    """
    pairs = (sorted((pair.left, pair.right)) for pair in baskets.around(products, n=DEGREE))
    return [
        Edge("together", Node("product", str(one)), Node("product", str(other)))
        for one, other in pairs
    ]


def _ways(
    at: dict[Node, set[Edge]], start: Node, end: Node, *, depth: int, limit: int
) -> list[Path]:
    """Breadth first through the edges that were read, at most a few thousand beginnings."""
    found: list[Path] = []
    begun = [Path((start,))]
    for _step in range(depth):
        longer = [
            path.beyond(edge)
            for path in begun
            for edge in sorted(at.get(path.nodes[-1], ()))
            if edge.other(path.nodes[-1]) not in path.nodes
        ]
        found += [path for path in longer if path.nodes[-1] == end]
        begun = [path for path in longer if path.nodes[-1] != end][: DEGREE * WIDEST]
        if len(found) >= limit:
            break
    return found[:limit]


def _name(row: Any, language: str) -> str:
    if isinstance(row, Product):
        return row.title_in(language)
    if isinstance(row, Brand | Category):
        return row.name_in(language)
    return str(row)


def _called(node: Node, called: dict[Node, str]) -> str:
    return called.get(node, str(node))


def _id(key: str) -> bool:
    return key.isdecimal() and key.isascii() and len(key) < 19
