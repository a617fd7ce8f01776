"""Segments that the label of a score makes: who has another label moves, set by set.

However many move, they are never named here: members, reasons and what is told on the timeline
are written by the database, from the scores that lie there already.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import F

from crm import timeline
from crm.events import SegmentEntered, SegmentLeft
from crm.models import Segment
from crm.segments import language, membership, touches
from crm.statements import keep_for_now, rows, run

EXPLAINED = 20_000  # so many who enter at once get their reason at once, the rest when asked for
NOW = """
    INSERT INTO label_now
    SELECT customer_id, label_segments.segment_id, crm_score.label, detail
    FROM crm_score JOIN label_segments ON label_segments.label = crm_score.label
    WHERE crm_score.name = %s {among} ORDER BY customer_id
"""
BEFORE = """
    INSERT INTO label_before SELECT id, customer_id, segment_id FROM crm_membership
    WHERE segment_id IN (SELECT segment_id FROM label_segments) {among}
"""
LEFT = """
    INSERT INTO label_left SELECT id, was.customer_id, was.segment_id, label, detail
    FROM label_before AS was LEFT JOIN label_now AS is_now ON is_now.customer_id = was.customer_id
    WHERE is_now.segment_id IS NULL OR is_now.segment_id <> was.segment_id
"""
ENTERED = """
    INSERT INTO label_entered SELECT customer_id, segment_id, label, detail FROM label_now AS is_now
    WHERE NOT EXISTS (
        SELECT 1 FROM label_before AS was
        WHERE was.customer_id = is_now.customer_id AND was.segment_id = is_now.segment_id
    )
"""
MEMBERS = """
    INSERT INTO crm_membership (customer_id, segment_id, reason, entered_at)
    SELECT customer_id, moved.segment_id, {reason}, %s
    FROM label_entered AS moved JOIN label_segments ON label_segments.segment_id = moved.segment_id
"""
TOLD = """
    SELECT customer_id, {object}('segment', slug, 'because', {because}) AS data,
        %s || moved.segment_id || ':' || customer_id || %s AS message_id
    FROM {table} AS moved JOIN label_segments ON label_segments.segment_id = moved.segment_id
    JOIN crm_customer ON crm_customer.id = customer_id AND merged_into_id IS NULL
    WHERE announced
"""
# What `reasons.of` would say of the one leaf of such a rule.
BECAUSE = """
    {array}(CASE WHEN detail IS NULL
        THEN {object}('rule', {json}(rule), 'value', moved.label, 'holds', {json}('{holds}'))
        ELSE {object}('rule', {json}(rule), 'value', moved.label, 'holds', {json}('{holds}'),
            'detail', {json}(detail)) END)
"""
WORDS = {
    "postgresql": {"object": "jsonb_build_object", "array": "jsonb_build_array", "json": "jsonb"},
    "sqlite": {"object": "json_object", "array": "json_array", "json": "json"},
}


def follow_labels(
    score: str, named: Mapping[str, Segment], *, now: datetime, among: str = ""
) -> dict[str, int]:
    """Bring the segments up to date with the labels of a score; return their sizes by label.

    named: the saved segments by label, whose rules name score and label. among: a temporary
    table with the column customer_id, of whom alone to look at; else everybody is.
    """
    with membership.exclusive():
        _note(named)
        left, entered = _find(score, among)
        run("DELETE FROM crm_membership WHERE id IN (SELECT id FROM label_left)")
        explained = sum(entered.values()) <= EXPLAINED
        _let_in(now=now, explained=explained)
        _tell(SegmentEntered, "label_entered", holds="true", now=now)
        _tell(SegmentLeft, "label_left", holds="false", now=now)
        for segment in named.values():
            _touch(segment, left[segment.pk] + entered[segment.pk])
        sizes = _count(named.values(), left, entered, now=now)
    return {label: sizes[segment.pk] for label, segment in named.items()}


def _note(named: Mapping[str, Segment]) -> None:
    """Write down which label makes which segment, and whether anybody is told of it."""
    columns = "label text, segment_id bigint, slug text, rule text, version text, announced boolean"
    keep_for_now("label_segments", columns)
    for label, segment in named.items():
        version = language.version(segment.rule)
        announced = segment.filled_version == version  # the first time, nobody did anything
        row = [label, segment.pk, segment.slug, json.dumps(segment.rule), version, announced]
        run("INSERT INTO label_segments VALUES (%s, %s, %s, %s, %s, %s)", row)


def _find(score: str, among: str) -> tuple[Counter[int], Counter[int]]:
    """Write down who has left and who has entered; how many each segment, by its number."""
    scored = f"customer_id bigint, segment_id bigint, label text, detail {_json()}"
    keep_for_now("label_now", scored)
    keep_for_now("label_before", "id bigint, customer_id bigint, segment_id bigint")
    keep_for_now("label_left", f"id bigint, {scored}")
    keep_for_now("label_entered", scored)
    some = f"AND customer_id IN (SELECT customer_id FROM {among})" if among else ""
    run(NOW.format(among=some), [score])
    run(BEFORE.format(among=some))
    run(LEFT)
    run(ENTERED)
    return _counted("label_left"), _counted("label_entered")


def _let_in(*, now: datetime, explained: bool) -> None:
    reason = "{object}('because', {because}, 'as_of', %s, 'version', version)"
    sql = MEMBERS.format(reason=_worded(reason, holds="true") if explained else "'{}'")
    moment = connection.ops.adapt_datetimefield_value(now)
    run(sql, [*([now.isoformat()] if explained else []), moment])


def _tell(
    fact: type[SegmentEntered] | type[SegmentLeft], table: str, *, holds: str, now: datetime
) -> None:
    sql = _worded(TOLD, table=table, holds=holds)
    params = [f"{fact.kind}:", f":{now.isoformat()}"]
    timeline.record_found(sql, params, kind=fact.kind, at=now)


def _count(
    segments: Collection[Segment], left: Counter[int], entered: Counter[int], *, now: datetime
) -> dict[int, int]:
    """Note that they were looked at; return their sizes by number."""
    kept = Segment.objects.filter(pk__in=[segment.pk for segment in segments])
    kept.update(refreshed_at=now, problem="")
    for segment in segments:
        more, version = entered[segment.pk] - left[segment.pk], language.version(segment.rule)
        if more or segment.filled_version != version:
            row = Segment.objects.filter(pk=segment.pk)
            row.update(size=F("size") + more, filled_version=version)
    return dict(kept.values_list("pk", "size"))


def _touch(segment: Segment, moved: int) -> None:
    key = f"segment:{segment.slug}"
    if moved > EXPLAINED:
        touches.touch_everybody(key)
    elif moved:
        touches.touch(_who_moved(segment), key)


def _who_moved(segment: Segment) -> Iterator[int]:
    """Asked of the database only when somebody wants to know."""
    both = " UNION ".join(
        f"SELECT customer_id FROM {table} WHERE segment_id = %s"
        for table in ("label_left", "label_entered")
    )
    for (pk,) in rows(f"{both} ORDER BY 1", [segment.pk, segment.pk]):
        yield pk


def _counted(table: str) -> Counter[int]:
    return Counter(dict(rows(f"SELECT segment_id, COUNT(*) FROM {table} GROUP BY 1")))


def _worded(sql: str, **parts: str) -> str:
    words = WORDS[connection.vendor]
    because = BECAUSE.format(holds=parts.pop("holds"), **words)
    return sql.format(because=because, **words, **parts)


def _json() -> str:
    return "text" if connection.vendor == "sqlite" else "jsonb"
