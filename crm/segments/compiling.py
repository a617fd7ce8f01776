"""A rule as one query: nowhere else is a rule turned into SQL.

Every leaf is true or false of a customer, never null, so that "not" takes exactly those whom the
leaf leaves out, on both databases. `among` keeps every part to a few customers, whose rows an
index finds; without it the whole table is asked at once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import (
    Avg,
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    Lookup,
)

from crm.models import (
    Consent,
    Customer,
    Event,
    Feedback,
    Interest,
    Membership,
    Mention,
    Opinion,
    Order,
    OrderLine,
    Score,
)
from crm.segments import language as lang
from crm.segments.sql import (
    Among,
    Bytewise,
    Drawn,
    JsonNumber,
    JsonText,
    JsonThere,
    JsonTruth,
    Rounded,
)

LOOKUPS = {"=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
ORDERED: dict[str, type[Lookup]] = {
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
    "<": LessThan,
    "<=": LessThanOrEqual,
}
TIMES: dict[type, str] = {lang.Happened: "happened_at", lang.Ordered: "placed_at", lang.Rated: "at"}
TIMES[lang.Opined] = "at"


def query(part: lang.Part, *, now: datetime, among: Sequence[int] | None = None) -> Q:
    """Return the condition on Customer that a part describes at this moment."""
    return Compiler(now, among).part(part)


def customers(
    part: lang.Part, *, now: datetime, among: Sequence[int] | None = None
) -> QuerySet[Customer]:
    """The customers a rule describes at this moment; of `among` only, where that is given."""
    found = Customer.objects.active()
    if among is not None:
        found = found.filter(Among("pk", among))
    return found.filter(query(part, now=now, among=among))


def flag(condition: Q) -> "ExpressionWrapper[Q]":
    """The condition as a column."""
    return ExpressionWrapper(condition, output_field=BooleanField())


class Compiler:
    def __init__(self, now: datetime, among: Sequence[int] | None = None) -> None:
        self.now, self.among = now, among
        self._leaves: dict[type, Callable[[Any], Q]] = {
            lang.Field: self._field,
            lang.Trait: lambda leaf: holds("traits", leaf.test),
            lang.Age: self._age,
            lang.Happened: self._counted,
            lang.Ordered: self._counted,
            lang.Rated: self._counted,
            lang.Opined: self._counted,
            lang.Interested: self._interested,
            lang.Scored: self._scored,
            lang.Agreed: self._agreed,
            lang.Inside: self._inside,
            lang.Share: lambda leaf: Q(Drawn("pk", percent=leaf.percent, salt=leaf.salt)),
        }

    def part(self, part: lang.Part) -> Q:
        if isinstance(part, lang.Not):
            return ~self.part(part.part)
        if isinstance(part, lang.Several):
            return reduce(and_ if part.all else or_, map(self.part, part.parts))
        return self._leaves[type(part)](part)

    def _field(self, leaf: lang.Field) -> Q:
        (name,) = leaf.test.path
        if leaf.test.op == "exists":
            return Q(pk__isnull=False) if name == "is_known" else ~Q(**{name: ""})
        if isinstance(leaf.test.value, bool):
            return Q(**{name: leaf.test.value == (leaf.test.op == "=")})
        return _compare(F(name), leaf.test, decide=False)

    def _age(self, leaf: lang.Age) -> Q:
        return self._days_ago(leaf.column, leaf.op, leaf.value)

    def _days_ago(self, column: str, op: str, days: float) -> Q:
        """The moment in the column is so long ago; "=" means on that day."""
        at, before = self.now - timedelta(days=days), self.now - timedelta(days=days + 1)
        if op in ("=", "!="):
            that_day = Q(**{f"{column}__lte": at, f"{column}__gt": before})
            return that_day if op == "=" else ~that_day
        # "More than 30 days ago" is an earlier moment: the comparison turns round.
        turned = {">": "lt", ">=": "lte", "<": "gt", "<=": "gte"}[op]
        return Q(**{f"{column}__{turned}": at})

    def _scored(self, leaf: lang.Scored) -> Q:
        scores = self._kept(Score.objects.filter(name=leaf.name), "customer_id")
        if leaf.label:
            scores = scores.filter(label=leaf.label)
        elif leaf.op == "!=":
            scores = scores.exclude(value=leaf.value)
        elif leaf.op != "exists":
            scores = scores.filter(**{f"value__{LOOKUPS[leaf.op]}": leaf.value})
        return Q(pk__in=scores.values("customer"))

    def _interested(self, leaf: lang.Interested) -> Q:
        drawn = Interest.objects.filter(kind=leaf.kind, value=leaf.value, weight__gte=leaf.weight)
        return Q(pk__in=self._kept(drawn, "customer_id").values("customer"))

    def _agreed(self, leaf: lang.Agreed) -> Q:
        answers = Consent.objects.filter(channel=leaf.channel, is_granted=leaf.granted)
        if leaf.topic:
            answers = answers.filter(topic__slug=leaf.topic)
        return Q(pk__in=self._kept(answers, "customer_id").values("customer"))

    def _inside(self, leaf: lang.Inside) -> Q:
        members = Membership.objects.filter(segment__slug=leaf.slug)
        return Q(pk__in=self._kept(members, "customer_id").values("customer"))

    def _counted(self, leaf: lang.Counted) -> Q:
        rows = self.rows(leaf).order_by()
        if leaf.figure == "count" and (leaf.op, leaf.value) in ((">", 0), (">=", 1)):
            return Q(pk__in=rows.values(owner(leaf)))  # no need to count
        if leaf.figure == "count" and (leaf.op, leaf.value) in (("=", 0), ("<", 1), ("<=", 0)):
            return ~Q(pk__in=rows.values(owner(leaf)))
        fits = rows.values(owner(leaf)).annotate(figure=figure(leaf))
        query = Q(pk__in=self._fitting(fits, leaf).values(owner(leaf)))
        if leaf.figure in ("count", "sum") and _fits(0, leaf.op, leaf.value):
            # Who has no rows at all has nought of them, and no group that could say so.
            query |= ~Q(pk__in=rows.values(owner(leaf)))
        return query

    def _fitting(self, groups: QuerySet[Any], leaf: lang.Counted) -> QuerySet[Any]:
        if leaf.figure == "last":
            return groups.filter(self._days_ago("figure", leaf.op, leaf.value))
        if leaf.op == "!=":
            return groups.filter(figure__isnull=False).exclude(figure=leaf.value)
        return groups.filter(**{f"figure__{LOOKUPS[leaf.op]}": leaf.value})

    def rows(self, leaf: lang.Counted) -> QuerySet[Any]:
        """The rows that a leaf is about, within its window as of now."""
        found = rows_of(leaf)
        time = time_of(leaf)
        found = found.filter(**{f"{time}__lte": self.now - timedelta(days=leaf.window.near)})
        if leaf.window.far is not None:
            found = found.filter(**{f"{time}__gte": self.now - timedelta(days=leaf.window.far)})
        return self._kept(found, f"{owner(leaf)}_id")

    def value(self, leaf: lang.Leaf) -> Any:
        """An expression for what made the leaf true or false of one customer."""
        if isinstance(leaf, lang.Field):
            return Cast(F(leaf.test.path[0]), CharField())
        if isinstance(leaf, lang.Trait):
            return Coalesce(
                JsonText("traits", leaf.test.path),
                Cast(JsonNumber("traits", leaf.test.path), TextField()),
                JsonTruth("traits", leaf.test.path),
            )
        if isinstance(leaf, lang.Age):
            return F(leaf.column)
        if isinstance(leaf, lang.Interested):
            drawn = Interest.objects.filter(kind=leaf.kind, value=leaf.value)
            return Subquery(drawn.filter(customer=OuterRef("pk")).values("weight")[:1])
        if isinstance(leaf, lang.Scored):
            own = Score.objects.filter(name=leaf.name, customer=OuterRef("pk"))
            return Subquery(own.values("label" if leaf.label else "value")[:1])
        if isinstance(leaf, lang.Rated) and leaf.score_op:
            given = self.rows(leaf).filter(customer=OuterRef("pk")).order_by("-at", "-pk")
            return Subquery(given.values("score")[:1])
        if isinstance(leaf, lang.Counted):
            rows = self.rows(leaf).filter(**{owner(leaf): OuterRef("pk")}).order_by()
            return Subquery(rows.values(owner(leaf)).annotate(f=figure(leaf)).values("f"))
        return Value(None, output_field=CharField())

    def detail(self, leaf: lang.Leaf) -> Any:
        """More about a score than its value: what it was made of."""
        if isinstance(leaf, lang.Scored):
            own = Score.objects.filter(name=leaf.name, customer=OuterRef("pk"))
            return Subquery(own.values("detail")[:1])
        return Value(None, output_field=CharField())

    def _kept(self, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
        return rows if self.among is None else rows.filter(Among(column, self.among))


def rows_of(leaf: lang.Counted) -> QuerySet[Any]:
    """The rows that a leaf is about, of any time."""
    if isinstance(leaf, lang.Happened):
        return _events(leaf)
    if isinstance(leaf, lang.Ordered):
        return _orders(leaf)
    if isinstance(leaf, lang.Opined):
        return _opinions(leaf)
    assert isinstance(leaf, lang.Rated)
    given = (
        Feedback.objects.all() if leaf.kind == "any" else Feedback.objects.filter(kind=leaf.kind)
    )
    if leaf.score_op == "!=":
        return given.filter(score__isnull=False).exclude(score=leaf.score)
    if leaf.score_op:
        return given.filter(**{f"score__{LOOKUPS[leaf.score_op]}": leaf.score})
    return given


def _events(leaf: lang.Happened) -> QuerySet[Any]:
    events = Event.objects.filter(kind=leaf.kind)
    if leaf.name:
        events = events.filter(name=leaf.name)
    for condition in leaf.where_data:
        events = events.filter(holds("data", condition))
    if leaf.property:  # a figure is over those that have one
        events = events.filter(IsNull(JsonNumber("data", leaf.property), False))
    return events


def _opinions(leaf: lang.Opined) -> QuerySet[Any]:
    said: QuerySet[Any] = Opinion.objects.all()
    if leaf.aspect:
        said = Mention.objects.filter(aspect=leaf.aspect)
    elif leaf.word:
        said = said.filter(text__icontains=leaf.word)
    return said.filter(label=leaf.label) if leaf.label else said


def _orders(leaf: lang.Ordered) -> QuerySet[Any]:
    """Orders; or the lines of them, for what was spent on something."""
    money = leaf.figure in ("sum", "average")
    orders = Order.objects.revenue() if money else Order.objects.sales()
    if leaf.currency:
        orders = orders.filter(currency=leaf.currency)
    only = {
        "product__sku": leaf.product,
        "product__category__slug": leaf.category,
        "product__brand__slug": leaf.brand,
    }
    of_things = {path: value for path, value in only.items() if value}
    if not of_things:
        return orders
    if leaf.figure == "sum":
        return OrderLine.objects.filter(order__in=orders, **of_things)
    return orders.filter(Exists(OrderLine.objects.filter(order=OuterRef("pk"), **of_things)))


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


def figure(leaf: lang.Counted) -> Any:
    """The aggregate over the rows of one customer."""
    if leaf.figure == "count":
        return Count("pk")
    if leaf.figure == "last":
        return Max(time_of(leaf))
    aggregate = Sum if leaf.figure == "sum" else Avg
    if isinstance(leaf, lang.Happened):
        return Rounded(aggregate(JsonNumber("data", leaf.property)))
    if _of_lines(leaf):
        worth = ExpressionWrapper(F("quantity") * F("unit_price"), output_field=FloatField())
        return Rounded(aggregate(worth, output_field=FloatField()))
    return Rounded(aggregate("total", output_field=FloatField()))


def _fits(number: float, op: str, value: float) -> bool:
    return {
        "=": number == value,
        "!=": number != value,
        ">": number > value,
        ">=": number >= value,
        "<": number < value,
        "<=": number <= value,
    }[op]


def holds(column: str, test: lang.Condition) -> Q:
    """A comparison inside a document; false, never null, for what is not there."""
    if test.op == "exists":
        return Q(JsonThere(column, test.path))
    sample = test.value[0] if isinstance(test.value, tuple) else test.value
    if isinstance(sample, bool):
        truth = Exact(JsonTruth(column, test.path), "true" if sample else "false")
        return ~_decided(truth) if test.op == "!=" else _decided(truth)
    if isinstance(sample, str):
        return _compare(JsonText(column, test.path), test, decide=True)
    return _compare(JsonNumber(column, test.path), test, decide=True)


def _compare(value: Any, test: lang.Condition, *, decide: bool) -> Q:
    if test.op == "!=":
        same = lang.Condition(path=test.path, op="=", value=test.value)
        return ~_compare(value, same, decide=decide)
    lookup = _lookup(value, test)
    return _decided(lookup) if decide else Q(lookup)


def _lookup(value: Any, test: lang.Condition) -> Lookup:
    if test.op == "=":
        return Exact(value, test.value)
    if test.op == "in":
        return In(value, test.value)
    if test.op == "contains":
        return GreaterThan(StrIndex(value, Value(test.value)), 0)
    if test.op == "starts with":
        return Exact(StrIndex(value, Value(test.value)), 1)
    ordered = Bytewise(value) if isinstance(test.value, str) else value
    return ORDERED[test.op](ordered, test.value)


def _decided(lookup: Any) -> Q:
    """False instead of null."""
    return Q(
        Case(When(lookup, then=Value(True)), default=Value(False), output_field=BooleanField())
    )
