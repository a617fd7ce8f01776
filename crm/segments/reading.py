"""What a rule reads, and what time alone can change about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from crm.models import Customer
from crm.segments import counting
from crm.segments import language as lang


def reads(part: lang.Part) -> frozenset[str]:
    """The keys of what the rule looks at; a change elsewhere cannot change its members."""
    return frozenset(_key(leaf) for leaf in lang.leaves(part)) - {""}


def parents(part: lang.Part) -> frozenset[str]:
    """The slugs of the segments that the rule is built on."""
    return frozenset(leaf.slug for leaf in lang.leaves(part) if isinstance(leaf, lang.Inside))


KEYS: dict[type, str] = {
    lang.Field: "field:{leaf.test.path[0]}",
    lang.Age: "field:{leaf.column}",
    lang.Trait: "trait:{leaf.test.path[0]}",
    lang.Happened: "event:{leaf.kind}",
    lang.Scored: "score:{leaf.name}",
    lang.Agreed: "consent:{leaf.channel}",
    lang.Inside: "segment:{leaf.slug}",
    lang.Interested: "interest:{leaf.kind}",
    lang.Ordered: "orders",
    lang.Rated: "feedback",
    lang.Opined: "opinions",
    lang.Share: "",
}


def _key(leaf: lang.Leaf) -> str:
    return KEYS[type(leaf)].format(leaf=leaf)


@dataclass(frozen=True)
class Edge:
    """A row matters anew when it gets `days` old: it comes into a window, or leaves it."""

    rows: "QuerySet[Any]"
    column: str
    owner: str
    days: float


def edges(part: lang.Part) -> list[Edge]:
    """Every age at which some row changes what the rule says."""
    return [edge for leaf in lang.leaves(part) for edge in _edges(leaf)]


def crossing(edge: Edge, since: datetime, until: datetime) -> "QuerySet[Any]":
    """The ids of customers with a row that reached that age between two moments."""
    age = timedelta(days=edge.days)
    bounds = {f"{edge.column}__gte": since - age, f"{edge.column}__lte": until - age}
    return edge.rows.filter(Q(**bounds)).order_by().values_list(edge.owner, flat=True).distinct()


def _edges(leaf: lang.Leaf) -> Iterator[Edge]:
    if isinstance(leaf, lang.Age):
        for days in _limits(leaf.op, leaf.value):
            yield Edge(Customer.objects.active(), leaf.column, "pk", days)
    if isinstance(leaf, lang.Counted):
        ages = {leaf.window.near}  # also of nought: what lay in the future has come
        if leaf.window.far is not None:
            ages.add(leaf.window.far)
        if leaf.figure == "last":
            ages.update(_limits(leaf.op, leaf.value))
        for age in sorted(ages):
            rows = counting.rows_of(leaf)
            if isinstance(leaf, lang.Happened) and not age:
                rows = rows.filter(happened_at__gt=F("received_at"))  # the others came with a touch
            yield Edge(rows, counting.time_of(leaf), counting.owner(leaf), age)


def _limits(op: str, days: float) -> tuple[float, ...]:
    return (days, days + 1) if op in ("=", "!=") else (days,)
