"""Why a customer is in a segment: the parts of the rule that hold, with the values behind them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from crm.models import Customer, Membership, Segment
from crm.segments import compiling
from crm.segments import language as lang
from crm.segments.sql import Among

SHOWN = 12  # parts of a rule in a reason


def of(
    part: lang.Part,
    customer_ids: Sequence[int],
    *,
    now: datetime,
    version: str,
    leaving: Collection[int] = (),
) -> dict[int, dict[str, Any]]:
    """The reason of each customer, in one query: the leaves that speak for being a member.

    For those who are leaving, the leaves that speak against it.
    """
    if not customer_ids:
        return {}
    signed = list(lang.signed_leaves(part))[:SHOWN]
    compiler = compiling.Compiler(now, customer_ids)
    columns: dict[str, Any] = {}
    for i, (leaf, _) in enumerate(signed):
        columns[f"fits_{i}"] = compiling.flag(compiler.part(leaf))
        columns[f"value_{i}"] = compiler.value(leaf)
        columns[f"detail_{i}"] = compiler.detail(leaf)
    rows = Customer.objects.filter(Among("pk", customer_ids)).annotate(**columns)
    found = {}
    for pk, *values in rows.values_list("pk", *columns):
        told = zip(signed, values[::3], values[1::3], values[2::3], strict=True)
        because = [
            _item(leaf, fits=bool(fits), value=value, detail=detail)
            for (leaf, wanted), fits, value, detail in told
            if (bool(fits) == wanted) != (pk in leaving)
        ]
        found[pk] = {"because": because, "as_of": now.isoformat(), "version": version}
    return found


def _item(leaf: lang.Leaf, *, fits: bool, value: Any, detail: Any) -> dict[str, Any]:
    item = {"rule": leaf.rule, "value": _plain(value), "holds": fits}
    return item | ({"detail": detail} if detail else {})


def why(customer: Customer, segment: Segment, *, now: datetime) -> dict[str, Any] | None:
    """The reason this customer is a member, kept or worked out now; None for who is none."""
    row = Membership.objects.filter(customer=customer, segment=segment).first()
    if row is None:
        return None
    return kept_or_fresh(segment, [row], now=now)[customer.pk]


def kept_or_fresh(
    segment: Segment, rows: Sequence[Membership], *, now: datetime
) -> dict[int, dict[str, Any]]:
    """The reasons of some members. Who came in with a great many has theirs worked out now."""
    bare = [row.customer_id for row in rows if not row.reason]
    fresh: Mapping[int, dict[str, Any]] = {}
    if bare and segment.rule:
        fresh = of(lang.parse(segment.rule), bare, now=now, version=lang.version(segment.rule))
    return {row.customer_id: row.reason or fresh.get(row.customer_id, {}) for row in rows}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return round(value, 2) if isinstance(value, float) else value
