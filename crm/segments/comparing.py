"""Comparisons of columns, and of what stands inside documents: two-valued on both databases."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, ExpressionWrapper, Q, Value, When
from django.db.models.functions import StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Lookup,
)

from crm.segments import language as lang
from crm.segments.sql import Bytewise, JsonNumber, JsonText, JsonThere, JsonTruth

LOOKUPS = {"=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
ORDERED: dict[str, type[Lookup]] = {
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
    "<": LessThan,
    "<=": LessThanOrEqual,
}


def holds(column: str, test: lang.Condition) -> Q:
    """A comparison inside a document; false, never null, for what is not there."""
    if test.op == "exists":
        return Q(JsonThere(column, test.path))
    sample = test.value[0] if isinstance(test.value, tuple) else test.value
    if isinstance(sample, bool):
        truth = Exact(JsonTruth(column, test.path), "true" if sample else "false")
        return ~_decided(truth) if test.op == "!=" else _decided(truth)
    if isinstance(sample, str):
        return compare(JsonText(column, test.path), test, decide=True)
    return compare(JsonNumber(column, test.path), test, decide=True)


def compare(value: Any, test: lang.Condition, *, decide: bool) -> Q:
    if test.op == "!=":
        same = lang.Condition(path=test.path, op="=", value=test.value)
        return ~compare(value, same, decide=decide)
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


def within(column: str, window: lang.Window, now: datetime) -> Q:
    """The moment in the column lies within the window as of now."""
    inside = Q(**{f"{column}__lte": now - timedelta(days=window.near)})
    if window.far is not None:
        inside &= Q(**{f"{column}__gte": now - timedelta(days=window.far)})
    return inside


def days_ago(column: str, op: str, days: float, now: datetime) -> Q:
    """The moment in the column is so long ago; "=" means on that day."""
    at, before = now - timedelta(days=days), now - timedelta(days=days + 1)
    if op in ("=", "!="):
        that_day = Q(**{f"{column}__lte": at, f"{column}__gt": before})
        return that_day if op == "=" else ~that_day
    # "More than 30 days ago" is an earlier moment: the comparison turns round.
    turned = {">": "lt", ">=": "lte", "<": "gt", "<=": "gte"}[op]
    return Q(**{f"{column}__{turned}": at})


def flag(condition: Q) -> "ExpressionWrapper[Q]":
    """The condition as a column."""
    return ExpressionWrapper(condition, output_field=BooleanField())
