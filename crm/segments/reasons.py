"""Why a customer is in a segment: the parts of the rule that hold, with the values behind them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.models import Customer, Membership, Segment
from crm.segments import language as lang
from crm.segments.looking import Look
from crm.segments.parsing import parse

SHOWN = 12  # parts of a rule in a reason


def of(
    part: lang.Part, customer_ids: Collection[int], *, now: datetime, version: str
) -> dict[int, dict[str, Any]]:
    """The reason of each of these members."""
    asked = Asked(part, version, entering=set(customer_ids))
    look = Look(asked.leaves(), customer_ids, now=now)
    return told(look, [asked])[0]


@dataclass(frozen=True)
class Asked:
    """A rule, and for whom its reasons are wanted: who comes in and who goes."""

    part: lang.Part
    version: str
    entering: Collection[int] = ()
    leaving: Collection[int] = ()

    def leaves(self) -> list[lang.Leaf]:
        return [leaf for leaf, _ in self.signed()]

    def signed(self) -> list[tuple[lang.Leaf, bool]]:
        return list(lang.signed_leaves(self.part))[:SHOWN]


def told(look: Look, asked: Sequence[Asked]) -> list[dict[int, dict[str, Any]]]:
    """The reasons of each rule: of those who come in the leaves that speak for being a member.

    Of those who are leaving, the leaves that speak against it. All in one query at most for
    twenty leaves, however many rules and customers there are.
    """
    wanted: dict[str, tuple[lang.Leaf, set[int]]] = {}
    for one in asked:
        for leaf in one.leaves():
            wanted.setdefault(leaf.key, (leaf, set()))[1].update(one.entering, one.leaving)
    look.explain(wanted)
    return [_told(look, one) for one in asked]


def _told(look: Look, asked: Asked) -> dict[int, dict[str, Any]]:
    found = {}
    for pk in sorted({*asked.entering, *asked.leaving} & look.everybody):
        because = [
            _item(look, leaf, pk)
            for leaf, wanted in asked.signed()
            if (look.holds(leaf, pk) == wanted) != (pk in asked.leaving)
        ]
        found[pk] = {"because": because, "as_of": look.now.isoformat(), "version": asked.version}
    return found


def _item(look: Look, leaf: lang.Leaf, customer_id: int) -> dict[str, Any]:
    value, detail = look.value(leaf, customer_id), look.detail(leaf, customer_id)
    item = {"rule": leaf.rule, "value": _plain(value), "holds": look.holds(leaf, customer_id)}
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
        fresh = of(parse(segment.rule), bare, now=now, version=lang.version(segment.rule))
    return {row.customer_id: row.reason or fresh.get(row.customer_id, {}) for row in rows}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return round(value, 2) if isinstance(value, float) else value
