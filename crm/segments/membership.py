"""The one place where members come and go, whoever decided it: a rule, a score, or a person.

Everybody who writes members holds `exclusive`: two who look at different moments must not write
in the other order. Coming and going is told on the timeline, once, unless the segment is filled
for the first time or its rule was changed: then nobody did anything.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, F, IntegerField, Q, QuerySet, When

from crm import timeline
from crm.bulk import chunks
from crm.events import SegmentEntered, SegmentLeft
from crm.models import Customer, Membership, Segment
from crm.segments import compiling, reasons
from crm.segments import language as lang
from crm.segments.looking import Look
from crm.segments.sql import Among
from crm.statements import keep_found, one_at_a_time, rows, run

BATCH = 2_000
EXPLAINED = 5_000  # so many who enter at once get their reason at once, the rest when asked for
LOCK = 7_309_151  # any number that is only ours
# Both sides in one list: whoever is on one of them alone moves. `fits` is 1 for who comes in.
DIFFERENCE = """
    SELECT pk, SUM(fits) AS fits FROM (
        SELECT pk, 1 AS fits, 0 AS was FROM ({rule}) AS described
        UNION ALL SELECT customer_id, 0, 1 FROM crm_membership WHERE segment_id = %s
    ) AS both_sides GROUP BY pk HAVING SUM(fits) <> SUM(was)
"""


@dataclass(frozen=True)
class Change:
    entered: int
    left: int


@dataclass(frozen=True)
class Rule:
    """A segment with its rule, read."""

    segment: Segment
    part: lang.Part

    @property
    def version(self) -> str:
        return lang.version(self.segment.rule)


@dataclass(frozen=True)
class Move:
    """Who comes into a segment and who goes, each with the reason."""

    segment: Segment
    enter: Collection[int] = ()
    leave: Collection[int] = ()
    why: Mapping[int, dict[str, Any]] = field(default_factory=dict)

    def reason(self, customer_id: int) -> dict[str, Any]:
        return self.why.get(customer_id, {})


@contextmanager
def exclusive() -> Iterator[None]:
    """One transaction that nobody else who moves members runs beside."""
    with one_at_a_time(LOCK):
        yield


def fill(
    segment: Segment,
    part: lang.Part,
    *,
    now: datetime,
    announce: bool,
    known: Mapping[str, Q] | None = None,
) -> Change:
    """Bring all members up to date with a rule, in a few statements however many they are.

    known: what `tallies.tally` found of its leaves in this transaction.
    """
    with exclusive():
        _compare(segment, compiling.customers(part, now=now, known=known))
        left = _drop(segment, part, now=now, announce=announce)
        entered = _add(segment, part, now=now, announce=announce)
        segment.size = segment.memberships.count()
        segment.refreshed_at, segment.problem = now, ""
        kept = ("size", "refreshed_at", "problem", "filled_version", "refill_at")
        values = {name: getattr(segment, name) for name in kept}
        Segment.objects.filter(pk=segment.pk).update(**values)
    return Change(entered, left)


def evaluate(
    rules: Sequence[Rule], customer_ids: Collection[int], *, now: datetime
) -> dict[str, set[int]]:
    """Look at these customers anew, for several rules at once; return who moved, by slug.

    The rules do not read each other's members.
    """
    leaves = [leaf for rule in rules for leaf in lang.leaves(rule.part)]
    look = Look(leaves, customer_ids, now=now)
    present = _present([rule.segment for rule in rules], look.ids)
    moves = []
    for rule in rules:
        fit, was = look.fitting(rule.part), present.get(rule.segment.pk, set())
        if fit != was:
            moves.append(Move(rule.segment, enter=fit - was, leave=was - fit))
    parts = {rule.segment.slug: rule.part for rule in rules}
    asked = [
        reasons.Asked(parts[m.segment.slug], lang.version(m.segment.rule), m.enter, m.leave)
        for m in moves
    ]
    why = reasons.told(look, asked)
    carry_out([replace(m, why=w) for m, w in zip(moves, why, strict=True)], now=now)
    return {move.segment.slug: {*move.enter, *move.leave} for move in moves}


def carry_out(moves: Sequence[Move], *, now: datetime, announce: bool = True) -> list[Change]:
    """Let customers into segments and out of them, in a few statements for all of them.

    They are known to be outside and inside.
    """
    changes = []
    members: list[Membership] = []
    for move in moves:
        left = 0
        for some in chunks(sorted(move.leave), BATCH):
            gone = Membership.objects.filter(Among("customer_id", some), segment=move.segment)
            left += gone.delete()[0]
        members += [
            Membership(segment=move.segment, customer_id=pk, reason=move.reason(pk), entered_at=now)
            for pk in sorted(move.enter)
        ]
        changes.append(Change(len(move.enter), left))
    Membership.objects.bulk_create(members, batch_size=BATCH, ignore_conflicts=True)
    if announce:
        _tell(moves, now=now)
    grown = {
        move.segment.pk: change.entered - change.left
        for move, change in zip(moves, changes, strict=True)
    }
    _resize({pk: by for pk, by in grown.items() if by})
    return changes


def _move(  # noqa: PLR0913  (who, where, why, when, told to whom)
    segment: Segment,
    part: lang.Part,
    *,
    enter: Collection[int] = (),
    leave: Collection[int] = (),
    now: datetime,
    announce: bool = True,
) -> Change:
    """Let customers into one segment and out of it, with their reasons."""
    asked = reasons.Asked(part, lang.version(segment.rule), enter, leave)
    (why,) = reasons.told(Look(asked.leaves(), {*enter, *leave}, now=now), [asked])
    return carry_out([Move(segment, enter, leave, why)], now=now, announce=announce)[0]


def _resize(grown: Mapping[int, int]) -> None:
    cases = [When(pk=pk, then=F("size") + by) for pk, by in grown.items()]
    if cases:
        Segment.objects.filter(pk__in=grown).update(
            size=Case(*cases, default=F("size"), output_field=IntegerField())
        )


def _present(segments: Sequence[Segment], ids: Sequence[int]) -> dict[int, set[int]]:
    found = Membership.objects.filter(Among("customer_id", ids), segment__in=segments)
    present: dict[int, set[int]] = {}
    for segment_id, customer_id in found.values_list("segment_id", "customer_id"):
        present.setdefault(segment_id, set()).add(customer_id)
    return present


def _tell(moves: Sequence[Move], *, now: datetime) -> None:
    """Put it on the timeline of whoever is still somebody: a merged visitor is told nothing."""
    everybody = sorted({pk for move in moves for pk in (*move.enter, *move.leave)})
    here: set[int] = set()
    for some in chunks(everybody, BATCH):
        active = Customer.objects.active().filter(Among("pk", some))
        here.update(active.values_list("pk", flat=True))
    entries = [
        timeline.Entry(
            customer_id=pk,
            kind=fact.kind,
            data={"segment": move.segment.slug, "because": move.reason(pk).get("because", [])},
            happened_at=now,
            message_id=f"{fact.kind}:{move.segment.pk}:{pk}:{now.isoformat()}",
            source="rapport",
        )
        for move in moves
        for fact, who in ((SegmentEntered, move.enter), (SegmentLeft, move.leave))
        for pk in sorted(here.intersection(who))
    ]
    timeline.record_many(entries, received_at=now)


# A fill is set against set, in tables of this transaction: memory does not grow with the members.


def _compare(segment: Segment, customers: QuerySet[Customer]) -> None:
    """Write down who moves: customers who fit and are no members, members who do not fit."""
    rule, params = customers.order_by().values("pk").query.sql_with_params()
    keep_found("segment_move", "pk, fits", DIFFERENCE.format(rule=rule), [*params, segment.pk])


def _moving(fits: int) -> Iterator[list[int]]:
    """The ids of who goes (0) or comes (1), in order and some at a time."""
    some = [0]
    sql = "SELECT pk FROM segment_move WHERE fits = %s AND pk > %s ORDER BY pk LIMIT %s"
    while True:
        some = [pk for (pk,) in rows(sql, [fits, some[-1], BATCH])]
        if not some:
            return
        yield some


def _drop(segment: Segment, part: lang.Part, *, now: datetime, announce: bool) -> int:
    if announce:
        return sum(_move(segment, part, leave=some, now=now).left for some in _moving(0))
    gone = "customer_id IN (SELECT pk FROM segment_move WHERE fits = 0)"
    return run(f"DELETE FROM crm_membership WHERE segment_id = %s AND {gone}", [segment.pk])


def _add(segment: Segment, part: lang.Part, *, now: datetime, announce: bool) -> int:
    ((count,),) = rows("SELECT COUNT(*) FROM segment_move WHERE fits = 1")
    if count <= (EXPLAINED if announce else min(EXPLAINED, BATCH)):
        new = [pk for some in _moving(1) for pk in some]
        return _move(segment, part, enter=new, now=now, announce=announce).entered
    if announce:
        moves = ([Move(segment, enter=some)] for some in _moving(1))
        return sum(carry_out(move, now=now)[0].entered for move in moves)
    params = [segment.pk, connection.ops.adapt_datetimefield_value(now)]
    insert = "INSERT INTO crm_membership (segment_id, customer_id, reason, entered_at)"
    found = "SELECT %s, pk, '{}', %s FROM segment_move WHERE fits = 1 ORDER BY pk"
    return run(f"{insert} {found}", params)


def differences(
    segment: Segment, part: lang.Part, *, now: datetime, known: Mapping[str, Q] | None = None
) -> tuple[list[int], list[int]]:
    """Who is missing and who is too many, should the members be those of the rule."""
    _compare(segment, compiling.customers(part, now=now, known=known))
    return (
        [pk for some in _moving(1) for pk in some],
        [pk for some in _moving(0) for pk in some],
    )
