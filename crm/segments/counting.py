"""What a leaf counts: the rows of a customer that it is about, and the figure over them."""

import operator
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import (
    Avg,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.lookups import IsNull

from crm.models import Event, Feedback, Mention, Opinion, Order, OrderLine
from crm.segments import language as lang
from crm.segments.comparing import LOOKUPS, days_ago, flag, holds, within
from crm.segments.sql import Among, JsonNumber, Rounded

NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
TIMES: dict[type, str] = {lang.Happened: "happened_at", lang.Ordered: "placed_at", lang.Rated: "at"}
TIMES[lang.Opined] = "at"


def source(leaf: lang.Counted) -> str:
    """Which rows a leaf counts; leaves of one source can be counted in one pass."""
    if isinstance(leaf, lang.Happened):
        return "events"
    if isinstance(leaf, lang.Opined):
        return "mentions" if leaf.aspect else "opinions"
    if isinstance(leaf, lang.Rated):
        return "feedback"
    if _of_lines(leaf):
        return "lines"
    return "revenue" if leaf.figure in ("sum", "average") else "sales"


SOURCES: dict[str, Callable[[], QuerySet[Any]]] = {
    "events": Event.objects.all,
    "mentions": Mention.objects.all,
    "opinions": Opinion.objects.all,
    "feedback": Feedback.objects.all,
    "lines": lambda: OrderLine.objects.filter(order__in=Order.objects.revenue()),
    "revenue": Order.objects.revenue,
    "sales": Order.objects.sales,
}


def rows_of(leaf: lang.Counted) -> QuerySet[Any]:
    """The rows that a leaf is about, of any time."""
    return SOURCES[source(leaf)]().filter(matching(leaf))


def matching(leaf: lang.Counted) -> Q:
    """Which rows of its source a leaf is about, of any time."""
    return MATCHING[type(leaf)](leaf)


def _event(leaf: lang.Happened) -> Q:
    about = Q(kind=leaf.kind)
    if leaf.name:
        about &= Q(name=leaf.name)
    for condition in leaf.where_data:
        about &= holds("data", condition)
    if leaf.property:  # a figure is over those that have one
        about &= Q(IsNull(JsonNumber("data", leaf.property), False))
    return about


def _rating(leaf: lang.Rated) -> Q:
    about = Q() if leaf.kind == "any" else Q(kind=leaf.kind)
    if leaf.score_op == "!=":
        return about & Q(score__isnull=False) & ~Q(score=leaf.score)
    if leaf.score_op:
        return about & Q(**{f"score__{LOOKUPS[leaf.score_op]}": leaf.score})
    return about


def _opinion(leaf: lang.Opined) -> Q:
    about = Q(label=leaf.label) if leaf.label else Q()
    if leaf.aspect:
        return about & Q(aspect=leaf.aspect)
    return about & Q(text__icontains=leaf.word) if leaf.word else about


def _order(leaf: lang.Ordered) -> Q:
    """Orders; or the lines of them, for what was spent on something."""
    of_lines = _of_lines(leaf)
    path = "order__currency" if of_lines else "currency"
    about = Q(**{path: leaf.currency}) if leaf.currency else Q()
    only = {
        "product__sku": leaf.product,
        "product__category__slug": leaf.category,
        "product__brand__slug": leaf.brand,
    }
    of_things = Q(**{path: value for path, value in only.items() if value})
    if of_lines or not of_things:
        return about & of_things
    return about & Q(Exists(OrderLine.objects.filter(of_things, order=OuterRef("pk"))))


MATCHING: dict[type, Callable[[Any], Q]] = {
    lang.Happened: _event,
    lang.Ordered: _order,
    lang.Rated: _rating,
    lang.Opined: _opinion,
}


def _of_lines(leaf: lang.Counted) -> bool:
    return (
        isinstance(leaf, lang.Ordered)
        and leaf.figure == "sum"
        and bool(leaf.product or leaf.category or leaf.brand)
    )


def owner(leaf: lang.Counted) -> str:
    return "order__customer" if _of_lines(leaf) else "customer"


def time_of(leaf: lang.Counted) -> str:
    return f"order__{TIMES[type(leaf)]}" if _of_lines(leaf) else TIMES[type(leaf)]


def figure(leaf: lang.Counted, only: Q | None = None) -> Any:
    """The aggregate over the rows of one customer; over some of them, where that is said."""
    if leaf.figure == "count":
        return Count("pk", filter=only)
    if leaf.figure == "last":
        return Max(time_of(leaf), filter=only)
    aggregate = Sum if leaf.figure == "sum" else Avg
    if isinstance(leaf, lang.Happened):
        return Rounded(aggregate(JsonNumber("data", leaf.property), filter=only))
    if _of_lines(leaf):
        worth = ExpressionWrapper(F("quantity") * F("unit_price"), output_field=FloatField())
        return Rounded(aggregate(worth, output_field=FloatField(), filter=only))
    return Rounded(aggregate("total", output_field=FloatField(), filter=only))


def fitting(name: str, leaf: lang.Counted, now: datetime) -> Q:
    """The figure, a column of that name, is what the leaf wants of those who have rows."""
    if leaf.figure == "last":
        return days_ago(name, leaf.op, leaf.value, now)
    if leaf.op == "!=":
        return Q(**{f"{name}__isnull": False}) & ~Q(**{name: leaf.value})
    return Q(**{f"{name}__{LOOKUPS[leaf.op]}": leaf.value})


def of_none(leaf: lang.Counted) -> bool:
    """Whether the leaf is true of who has no rows at all: nought of them, and nought in sum."""
    return leaf.figure in ("count", "sum") and NUMBERS[leaf.op](0, leaf.value)


def together(
    source: str,
    leaves: Sequence[lang.Counted],
    *,
    now: datetime,
    among: Sequence[int] | None = None,
) -> QuerySet[Any]:
    """What leaves of one source count, of each customer who has rows, in one pass over the rows.

    Columns: `owner(leaf)` is the customer; `figure_0`, `in_0` are the figure of the first leaf and
    whether it is what the leaf wants, null where it has no rows; and so on.
    """
    time, who = time_of(leaves[0]), owner(leaves[0])
    figures, fits = {}, {}
    for i, leaf in enumerate(leaves):
        only = within(time, leaf.window, now) & matching(leaf)  # what is quick to see comes first
        figures[f"figure_{i}"] = figure(leaf, only)
        fits[f"in_{i}"] = flag(fitting(f"figure_{i}", leaf, now))
    rows = SOURCES[source]().filter(_reach(leaves, now=now))
    if among is not None:
        rows = rows.filter(Among(f"{who}_id", among))
    groups: QuerySet[Any] = rows.order_by().values(who).annotate(**figures).annotate(**fits)
    return groups


def _reach(leaves: Sequence[lang.Counted], *, now: datetime) -> Q:
    """The rows that any of the leaves can be about: events kind by kind, each as far as need be."""
    time = time_of(leaves[0])
    windows: dict[str, list[lang.Window]] = {}
    for leaf in leaves:
        kind = leaf.kind if isinstance(leaf, lang.Happened) else ""
        windows.setdefault(kind, []).append(leaf.window)
    reach = Q()
    for kind, some in sorted(windows.items()):
        far = None if any(w.far is None for w in some) else max(w.far or 0 for w in some)
        widest = lang.Window(near=min(w.near for w in some), far=far)
        reach |= (Q(kind=kind) if kind else Q()) & within(time, widest, now)
    return reach
