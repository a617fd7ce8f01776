"""Segments by rule: a rule is JSON, compiled to one query here and nowhere else.

    {"all": [rule, …]}   {"any": [rule, …]}   {"not": rule}
    {"field": "country", "op": "=", "value": "France"}
    {"field": "days_since_seen", "op": ">", "value": 30}
    {"score": "rfm", "op": ">=", "value": 4}      {"score": "rfm", "label": "at_risk"}
    {"event": "crm.product_viewed", "op": ">=", "count": 3, "days": 7}
    {"orders": "count" | "total", "op": ">", "value": 2, "days": 365}
    {"trait": "plan", "op": "=", "value": "gold"}
    {"segment": "slug"}   {"consent": "email", "topic": "offers"}

Fields and operators come from an allow-list; values are bound, never spliced in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from crm.models import Consent, Customer, Event, Membership, Order, Score, Segment

OPERATORS = {"=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
FLIPPED = {"=": "=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}
FIELDS = ("language", "country", "name", "email", "is_known", "timezone")
AGES = {"days_since_seen": "last_seen_at", "days_since_first_seen": "first_seen_at"}
MAX_DEPTH = 10
MAX_PARTS = 100


class BadRule(Exception):
    """The rule cannot be used; the message says where in it and why."""


@dataclass(frozen=True)
class Change:
    entered: int
    left: int


def members_of(segment: Segment) -> QuerySet[Customer]:
    return Customer.objects.active().filter(memberships__segment=segment)


def matching(rule: Mapping[str, Any], *, now: datetime) -> QuerySet[Customer]:
    """Return the customers a rule describes at this moment. Raises BadRule."""
    return Customer.objects.active().filter(_Compiler(now).compile(rule, "rule", 0))


@transaction.atomic
def refresh(segment: Segment, *, now: datetime, only: QuerySet[Customer] | None = None) -> Change:
    """Bring the members of a rule segment up to date: all of them, or `only` these customers."""
    matches = matching(segment.rule, now=now)
    present = Membership.objects.filter(segment=segment)
    if only is not None:
        matches = matches.filter(pk__in=only)
        present = present.filter(customer__in=only)
    left, _ = present.exclude(customer__in=matches).delete()
    missing = matches.exclude(memberships__segment=segment)
    entering = [
        Membership(
            segment=segment,
            customer_id=pk,
            reason={"rule": segment.rule, "as_of": now.isoformat()},
            entered_at=now,
        )
        for pk in missing.values_list("pk", flat=True)
    ]
    Membership.objects.bulk_create(entering, batch_size=1000, ignore_conflicts=True)
    if only is not None and not entering and not left:
        return Change(0, 0)  # counting everybody is not for every event of one customer
    segment.size = Membership.objects.filter(segment=segment).count()
    segment.refreshed_at = now if only is None else segment.refreshed_at
    segment.save(update_fields=["size", "refreshed_at"])
    return Change(len(entering), left)


def refresh_all(*, now: datetime) -> dict[str, Change]:
    rules = Segment.objects.filter(kind=Segment.Kind.RULE).order_by("pk")
    return {segment.slug: refresh(segment, now=now) for segment in rules}


def refresh_customer(customer_id: int, *, now: datetime) -> None:
    """Re-evaluate every rule for one customer, after something happened to them."""
    one = Customer.objects.filter(pk=customer_id)
    for segment in Segment.objects.filter(kind=Segment.Kind.RULE).order_by("pk"):
        refresh(segment, now=now, only=one)


class _Compiler:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.parts = 0
        self._leaves: dict[str, Callable[[Mapping[str, Any], str], Q]] = {
            "field": self._field,
            "score": self._score,
            "event": self._event,
            "orders": self._orders,
            "trait": self._trait,
            "segment": self._segment,
            "consent": self._consent,
        }

    def compile(self, rule: Any, where: str, depth: int) -> Q:
        self.parts += 1
        if not isinstance(rule, Mapping) or not rule:
            raise BadRule(f"{where}: not a rule")
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            raise BadRule(f"{where}: deeper than {MAX_DEPTH} or more than {MAX_PARTS} parts")
        if "not" in rule:
            return ~self.compile(rule["not"], f"{where}.not", depth + 1)
        for word in ("all", "any"):
            if word in rule:
                return self._several(rule[word], word, f"{where}.{word}", depth)
        for word, leaf in self._leaves.items():
            if word in rule:
                return leaf(rule, where)
        raise BadRule(f"{where}: none of all, any, not, {', '.join(self._leaves)}")

    def _several(self, rules: Any, word: str, where: str, depth: int) -> Q:
        if not isinstance(rules, list) or not rules:
            raise BadRule(f"{where}: not a list of rules")
        parts = [self.compile(r, f"{where}[{i}]", depth + 1) for i, r in enumerate(rules)]
        query = parts[0]
        for part in parts[1:]:
            query = query & part if word == "all" else query | part
        return query

    def _field(self, rule: Mapping[str, Any], where: str) -> Q:
        field = rule["field"]
        if field in AGES:
            # "more than 30 days ago" is an earlier moment: the comparison turns round.
            operator = OPERATORS[FLIPPED[_operator(rule, where)]]
            days = _number(rule, "value", where)
            moment = self.now - timedelta(days=days)
            return Q(**{f"{AGES[field]}__{operator}": moment})
        if field not in FIELDS:
            raise BadRule(f"{where}.field: {field!r} is none of {', '.join((*FIELDS, *AGES))}")
        return Q(**{f"{field}__{OPERATORS[_operator(rule, where)]}": _value(rule, where)})

    def _score(self, rule: Mapping[str, Any], where: str) -> Q:
        scores = Score.objects.filter(customer=OuterRef("pk"), name=str(rule["score"]))
        if "label" in rule:
            return Q(Exists(scores.filter(label=str(rule["label"]))))
        operator = OPERATORS[_operator(rule, where)]
        value = _number(rule, "value", where)
        return Q(Exists(scores.filter(**{f"value__{operator}": value})))

    def _event(self, rule: Mapping[str, Any], where: str) -> Q:
        events = Event.objects.filter(kind=str(rule["event"]), happened_at__lte=self.now)
        if "days" in rule:
            events = events.filter(happened_at__gte=self._since(rule, where))
        if "name" in rule:
            events = events.filter(name=str(rule["name"]))
        return self._aggregate(events, Count("pk"), rule, "count", where)

    def _orders(self, rule: Mapping[str, Any], where: str) -> Q:
        if rule["orders"] not in ("count", "total"):
            raise BadRule(f"{where}.orders: neither count nor total")
        counts = rule["orders"] == "count"
        orders = Order.objects.sales() if counts else Order.objects.revenue()
        orders = orders.filter(placed_at__lte=self.now)
        if "days" in rule:
            orders = orders.filter(placed_at__gte=self._since(rule, where))
        return self._aggregate(
            orders, Count("pk") if counts else Sum("total"), rule, "value", where
        )

    def _aggregate(
        self, rows: QuerySet[Any], figure: Any, rule: Mapping[str, Any], key: str, where: str
    ) -> Q:
        operator, value = _operator(rule, where), _number(rule, key, where)
        per_customer = rows.order_by().values("customer").annotate(figure=figure)
        fits = per_customer.filter(**{f"figure__{OPERATORS[operator]}": value})
        query = Q(pk__in=fits.values("customer"))
        # Who has no rows at all has nought of them, and no group that could say so.
        nought_fits = {"=": value == 0, "<": value > 0, "<=": value >= 0, ">=": value <= 0}
        if nought_fits.get(operator, value < 0):
            query |= ~Q(pk__in=rows.order_by().values("customer"))
        return query

    def _trait(self, rule: Mapping[str, Any], where: str) -> Q:
        trait = str(rule["trait"])
        if not trait.replace("_", "").isalnum() or "__" in trait:
            raise BadRule(f"{where}.trait: {trait!r} is not a name of letters, digits and _")
        return Q(**{f"traits__{trait}__{OPERATORS[_operator(rule, where)]}": _value(rule, where)})

    def _segment(self, rule: Mapping[str, Any], where: str) -> Q:
        slug = str(rule["segment"])
        if not Segment.objects.filter(slug=slug).exists():
            raise BadRule(f"{where}.segment: no segment {slug!r}")
        return Q(Exists(Membership.objects.filter(customer=OuterRef("pk"), segment__slug=slug)))

    def _consent(self, rule: Mapping[str, Any], where: str) -> Q:
        yes = Consent.objects.filter(
            customer=OuterRef("pk"), channel=str(rule["consent"]), is_granted=True
        )
        if "topic" in rule:
            yes = yes.filter(topic__slug=str(rule["topic"]))
        return Q(Exists(yes))

    def _since(self, rule: Mapping[str, Any], where: str) -> datetime:
        return self.now - timedelta(days=_number(rule, "days", where))


def _operator(rule: Mapping[str, Any], where: str) -> str:
    operator = rule.get("op", "=")
    if operator not in OPERATORS:
        raise BadRule(f"{where}.op: {operator!r} is none of {' '.join(OPERATORS)}")
    return str(operator)


def _number(rule: Mapping[str, Any], key: str, where: str) -> float:
    value = rule.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise BadRule(f"{where}.{key}: {value!r} is not a number")
    return value


def _value(rule: Mapping[str, Any], where: str) -> str | int | float | bool:
    value = rule.get("value")
    if not isinstance(value, str | int | float):
        raise BadRule(f"{where}.value: {value!r} is neither text, number nor truth value")
    return value
