"""The one place where members come and go, whoever decided it: a rule, a score, or a person.

Everybody who writes members holds `exclusive`: two who look at different moments must not write
in the other order. Coming and going is told on the timeline, once, unless the segment is filled
for the first time or its rule was changed: then nobody did anything.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet

from crm import timeline
from crm.events import SegmentEntered, SegmentLeft
from crm.models import Customer, Membership, Segment
from crm.segments import compiling, reasons
from crm.segments import language as lang
from crm.segments.sql import Among

BATCH = 2_000
EXPLAINED = 5_000  # so many who enter at once get their reason at once, the rest when asked for
LOCK = 7_309_151  # any number that is only ours
GONE = (
    "FROM crm_membership WHERE segment_id = %s AND NOT EXISTS"
    " (SELECT 1 FROM segment_fit WHERE segment_fit.pk = crm_membership.customer_id)"
)
NEW = (
    "FROM segment_fit WHERE NOT EXISTS (SELECT 1 FROM crm_membership"
    " WHERE segment_id = %s AND customer_id = segment_fit.pk)"
)
HASH_MEMORY = "256MB"  # PostgreSQL: a part of a rule over everybody fits into a hash


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


@contextmanager
def exclusive() -> Iterator[None]:
    """One transaction that nobody else who moves members runs beside."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # So many expressions take longer to compile than to ask.
                cursor.execute("SELECT set_config('jit', 'off', true)")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def fill(segment: Segment, part: lang.Part, *, now: datetime, announce: bool) -> Change:
    """Bring all members up to date with a rule, in a few statements however many they are."""
    with exclusive():
        segment.size = _gather(compiling.customers(part, now=now))
        left = _drop(segment, part, now=now, announce=announce)
        entered = _add(segment, part, now=now, announce=announce)
        segment.refreshed_at, segment.problem = now, ""
        kept = ("size", "refreshed_at", "problem", "filled_version", "refill_at")
        values = {name: getattr(segment, name) for name in kept}
        Segment.objects.filter(pk=segment.pk).update(**values)
    return Change(entered, left)


def evaluate(
    rules: Sequence[Rule], customer_ids: Collection[int], *, now: datetime
) -> dict[str, set[int]]:
    """Look at these customers anew, for several rules in one query; return who moved, by slug."""
    ids = sorted(customer_ids)
    flags = {
        f"in_{i}": compiling.flag(compiling.query(rule.part, now=now, among=ids))
        for i, rule in enumerate(rules)
    }
    rows = Customer.objects.active().filter(Among("pk", ids)).annotate(**flags)
    fitting: list[set[int]] = [set() for _ in rules]
    for pk, *fits in rows.values_list("pk", *flags):
        for members, inside in zip(fitting, fits, strict=True):
            if inside:
                members.add(pk)
    present = _present([rule.segment for rule in rules], ids)
    moved = {}
    for rule, fit in zip(rules, fitting, strict=True):
        was = present.get(rule.segment.pk, set())
        if fit != was:
            move(rule.segment, enter=fit - was, leave=was - fit, part=rule.part, now=now)
            moved[rule.segment.slug] = fit ^ was
    return moved


def move(  # noqa: PLR0913  (who, where, why, when, told to whom)
    segment: Segment,
    *,
    enter: Collection[int],
    leave: Collection[int],
    now: datetime,
    part: lang.Part | None = None,
    because: Mapping[str, Any] | None = None,
    announce: bool = True,
) -> Change:
    """Let customers into a segment and out of it. They are known to be outside and inside."""
    why: dict[int, dict[str, Any]] = {}
    if part is not None:
        everyone, version = sorted({*enter, *leave}), lang.version(segment.rule)
        why = reasons.of(part, everyone, now=now, version=version, leaving=set(leave))
    given = dict(because or {})
    left = 0
    for some in _chunks(sorted(leave)):
        gone, _ = Membership.objects.filter(Among("customer_id", some), segment=segment).delete()
        left += gone
    rows = [
        Membership(segment=segment, customer_id=pk, reason=why.get(pk, given), entered_at=now)
        for pk in sorted(enter)
    ]
    Membership.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    if announce:
        _tell(SegmentEntered, segment, sorted(enter), why, now=now)
        _tell(SegmentLeft, segment, sorted(leave), why, now=now)
    Segment.objects.filter(pk=segment.pk).update(size=F("size") + len(rows) - left)
    return Change(len(rows), left)


def _present(segments: Sequence[Segment], ids: Sequence[int]) -> dict[int, set[int]]:
    rows = Membership.objects.filter(Among("customer_id", ids), segment__in=segments)
    present: dict[int, set[int]] = {}
    for segment_id, customer_id in rows.values_list("segment_id", "customer_id"):
        present.setdefault(segment_id, set()).add(customer_id)
    return present


def _tell(
    fact: type[SegmentEntered] | type[SegmentLeft],
    segment: Segment,
    customer_ids: Sequence[int],
    why: Mapping[int, Any],
    *,
    now: datetime,
) -> None:
    """Put it on the timeline of whoever is still somebody: a merged visitor is told nothing."""
    for some in _chunks(customer_ids):
        here = Customer.objects.active().filter(Among("pk", some))
        entries = [
            timeline.Entry(
                customer_id=pk,
                kind=fact.kind,
                data={
                    "segment": segment.slug,
                    "because": why.get(pk, {}).get("because", []),
                },
                happened_at=now,
                message_id=f"{fact.kind}:{segment.pk}:{pk}:{now.isoformat()}",
                source="rapport",
            )
            for pk in here.values_list("pk", flat=True)
        ]
        timeline.record_many(entries, received_at=now)


# A fill is set against set, in tables of this transaction: memory does not grow with the members.


def _gather(customers: QuerySet[Customer]) -> int:
    """Write down who fits, and say how many."""
    sql, params = customers.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS segment_fit")
        if connection.vendor == "postgresql":
            cursor.execute("SELECT set_config('work_mem', %s, true)", [HASH_MEMORY])
            # Made of the query, not filled by it: only so may PostgreSQL ask with several workers.
            making = "CREATE TEMPORARY TABLE segment_fit (pk) ON COMMIT DROP AS"
            cursor.execute(f"{making} {sql}", params)
            found = int(cursor.rowcount)
            cursor.execute("ANALYZE segment_fit")
            return found
        cursor.execute("CREATE TEMPORARY TABLE segment_fit (pk integer PRIMARY KEY)")
        cursor.execute(f"INSERT INTO segment_fit (pk) {sql}", params)
        return int(cursor.rowcount)


def _drop(segment: Segment, part: lang.Part, *, now: datetime, announce: bool) -> int:
    if announce:
        left = 0
        while some := _ids(f"SELECT customer_id {GONE} ORDER BY 1 LIMIT {BATCH}", [segment.pk]):
            left += move(segment, enter=[], leave=some, part=part, now=now).left
        return left
    return _run(f"DELETE {GONE}", [segment.pk])


def _add(segment: Segment, part: lang.Part, *, now: datetime, announce: bool) -> int:
    few = _ids(f"SELECT pk {NEW} LIMIT {EXPLAINED + 1}", [segment.pk])
    if len(few) <= EXPLAINED and (announce or len(few) <= BATCH):
        return move(segment, enter=few, leave=[], part=part, now=now, announce=announce).entered
    if not announce:
        params = [segment.pk, connection.ops.adapt_datetimefield_value(now), segment.pk]
        insert = "INSERT INTO crm_membership (segment_id, customer_id, reason, entered_at)"
        return _run(f"{insert} SELECT %s, pk, '{{}}', %s {NEW}", params)
    entered = 0
    while some := _ids(f"SELECT pk {NEW} ORDER BY 1 LIMIT {BATCH}", [segment.pk]):
        entered += move(segment, enter=some, leave=[], now=now).entered
    return entered


def differences(segment: Segment, part: lang.Part, *, now: datetime) -> tuple[list[int], list[int]]:
    """Who is missing and who is too many, should the members be those of the rule."""
    _gather(compiling.customers(part, now=now))
    return _ids(f"SELECT pk {NEW} ORDER BY 1", [segment.pk]), _ids(
        f"SELECT customer_id {GONE} ORDER BY 1", [segment.pk]
    )


def _ids(sql: str, params: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [pk for (pk,) in cursor.fetchall()]


def _run(sql: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
