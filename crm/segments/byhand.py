"""Segments by hand: staff say who is in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crm.models import Customer, Identity, Membership, Segment
from crm.segments import membership, touches
from crm.segments.membership import Move
from crm.segments.sql import Among

MOST = 100_000  # lines at once
CHUNK = 1_000


class NotByHand(Exception):
    """Something else decides who is in this segment."""


@dataclass(frozen=True)
class Found:
    ids: tuple[int, ...]
    unknown: tuple[str, ...]


def find(lines: Iterable[str]) -> Found:
    """Customers by what staff have of them: e-mail, user id, phone or our own public id."""
    wanted = list(dict.fromkeys(line.strip() for line in lines if line.strip()))[:MOST]
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        found |= _look_up(wanted[start : start + CHUNK])
    ids = tuple(dict.fromkeys(found[word] for word in wanted if word in found))
    return Found(ids, tuple(word for word in wanted if word not in found))


def add(segment: Segment, customer_ids: Sequence[int], *, by: str, now: datetime) -> int:
    """Put customers into a static segment; return how many were not in it. Raises NotByHand."""
    because = {"because": [{"added_by": by}], "as_of": now.isoformat()}
    with membership.exclusive():
        _require_static(segment)
        enter = set(_active(customer_ids)) - _inside(segment, customer_ids)
        move = Move(segment, enter=enter, why=dict.fromkeys(enter, because))
        (change,) = membership.carry_out([move], now=now)
        _done(segment, enter, now=now)
    return change.entered


def remove(segment: Segment, customer_ids: Sequence[int], *, now: datetime) -> int:
    """Take customers out of a static segment; return how many were in it. Raises NotByHand."""
    with membership.exclusive():
        _require_static(segment)
        leave = _inside(segment, customer_ids)
        (change,) = membership.carry_out([Move(segment, leave=leave)], now=now)
        _done(segment, leave, now=now)
    return change.left


def _done(segment: Segment, moved: set[int], *, now: datetime) -> None:
    Segment.objects.filter(pk=segment.pk).update(refreshed_at=now)
    touches.touch(moved, f"segment:{segment.slug}")


def _require_static(segment: Segment) -> None:
    if segment.kind != Segment.Kind.STATIC:
        raise NotByHand(f"{segment} is not a segment by hand")


def _active(ids: Sequence[int]) -> list[int]:
    return list(Customer.objects.active().filter(Among("pk", ids)).values_list("pk", flat=True))


def _inside(segment: Segment, ids: Sequence[int]) -> set[int]:
    rows = Membership.objects.filter(Among("customer_id", ids), segment=segment)
    return set(rows.values_list("customer_id", flat=True))


def _look_up(words: Sequence[str]) -> dict[str, int]:
    from crm.customers import normalise  # customers leave touches, so they import this package

    kinds = (Identity.Kind.USER_ID, Identity.Kind.EMAIL, Identity.Kind.PHONE)
    spelt = {word: {normalise(kind, word) for kind in kinds} for word in words}
    every = {spelling for spellings in spelt.values() for spelling in spellings}
    rows = Identity.objects.filter(kind__in=kinds, value__in=every).order_by("pk")
    owners = dict(rows.values_list("value", "customer_id"))
    found = {
        word: next(owners[spelling] for spelling in spellings if spelling in owners)
        for word, spellings in spelt.items()
        if spellings & owners.keys()
    }
    public = {uuid: word for word in words if (uuid := _uuid(word))}
    mine = Customer.objects.filter(public_id__in=list(public))
    return found | {public[uuid]: pk for uuid, pk in mine.values_list("public_id", "pk")}


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
