"""A rule as one query: nowhere else is a rule turned into SQL.

Every leaf is true or false of a customer, never null, so that "not" takes exactly those whom the
leaf leaves out, on both databases. `among` keeps every part to a few customers, whose rows an
index finds; without it the whole table is asked at once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import (
    CharField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce

from crm.models import (
    Consent,
    Customer,
    Interest,
    Membership,
    Score,
)
from crm.segments import language as lang
from crm.segments.comparing import LOOKUPS, compare, days_ago, holds, within
from crm.segments.counting import figure, fitting, of_none, owner, rows_of, time_of
from crm.segments.sql import (
    Among,
    Drawn,
    JsonNumber,
    JsonText,
    JsonTruth,
)


def customers(
    part: lang.Part,
    *,
    now: datetime,
    among: Sequence[int] | None = None,
    known: Mapping[str, Q] | None = None,
) -> QuerySet[Customer]:
    """The customers a rule describes at this moment; of `among` only, where that is given.

    known: leaves, by key, that have been asked already.
    """
    found = Customer.objects.active()
    if among is not None:
        found = found.filter(Among("pk", among))
    return found.filter(Compiler(now, among, known).part(part))


class Compiler:
    def __init__(
        self,
        now: datetime,
        among: Sequence[int] | None = None,
        known: Mapping[str, Q] | None = None,
    ) -> None:
        self.now, self.among, self.known = now, among, known or {}
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
        assert isinstance(part, lang.Leaf)
        if self.known and (known := self.known.get(part.key)) is not None:
            return known
        return self._leaves[type(part)](part)

    def _field(self, leaf: lang.Field) -> Q:
        (name,) = leaf.test.path
        if leaf.test.op == "exists":
            return Q(pk__isnull=False) if name == "is_known" else ~Q(**{name: ""})
        if isinstance(leaf.test.value, bool):
            return Q(**{name: leaf.test.value == (leaf.test.op == "=")})
        return compare(F(name), leaf.test, decide=False)

    def _age(self, leaf: lang.Age) -> Q:
        return days_ago(leaf.column, leaf.op, leaf.value, self.now)

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
        query = Q(pk__in=fits.filter(fitting("figure", leaf, self.now)).values(owner(leaf)))
        if of_none(leaf):  # and has no group that could say so
            query |= ~Q(pk__in=rows.values(owner(leaf)))
        return query

    def rows(self, leaf: lang.Counted) -> QuerySet[Any]:
        """The rows that a leaf is about, within its window as of now."""
        found = rows_of(leaf).filter(within(time_of(leaf), leaf.window, self.now))
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
