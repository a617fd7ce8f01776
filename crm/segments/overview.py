"""What the page of a segment shows: the rule in words, who came and went, members with reasons."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.events import SegmentLeft
from crm.models import Event, Membership, Segment
from crm.segments import checking, freshness, language, reading, reasons, sentences

SHOWN = 8
RECENT = timedelta(days=30)
CHARTED = 90  # days


def of(segment: Segment, now: datetime) -> dict[str, Any]:
    """Everything but what others add. A fixed number of queries."""
    return {
        "sentences": in_words(segment),
        "warnings": _warnings(segment),
        "freshness": freshness.of(segment, now=now),
        "members": _members(segment, now=now),
        "left": _left(segment, now=now),
        "sizes": _sizes(segment),
        "children": _children(segment),
    }


def in_words(segment: Segment) -> list[tuple[str, str]]:
    """The rule in each language, the reader's first; nothing where there is none to read."""
    try:
        return sentences.in_both(segment.rule)
    except language.BadRule:
        return []


def _warnings(segment: Segment) -> list[str]:
    try:
        return checking.warnings(checking.parsed(segment))
    except language.BadRule:
        return []


def _members(segment: Segment, *, now: datetime) -> list[dict[str, Any]]:
    """The newest members, each with why."""
    newest = Membership.objects.filter(segment=segment).select_related("customer")
    rows = list(newest.order_by("-entered_at", "-pk")[:SHOWN])
    return [
        {"row": row, "because": said}
        for row, said in zip(rows, because(segment, rows, now=now), strict=True)
    ]


def because(segment: Segment, rows: Sequence[Membership], *, now: datetime) -> list[list[str]]:
    """Why each of these is a member, in the reader's words."""
    why = reasons.kept_or_fresh(segment, rows, now=now)
    told = (why[row.customer_id] for row in rows)
    return sentences.because_all(told, get_language() or "en")


def _left(segment: Segment, *, now: datetime) -> list[dict[str, Any]]:
    events: QuerySet[Event] = Event.objects.filter(
        kind=SegmentLeft.kind, happened_at__gte=now - RECENT, data__segment=segment.slug
    )
    code = get_language() or "en"
    newest = list(events.select_related("customer").order_by("-happened_at", "-pk")[:SHOWN])
    told = sentences.because_all((event.data for event in newest), code)
    return [{"event": e, "because": said} for e, said in zip(newest, told, strict=True)]


def _sizes(segment: Segment) -> str:
    """The size by day, as a chart; empty before there are two days to compare."""
    rows = list(segment.sizes.order_by("-day")[:CHARTED])[::-1]
    if len(rows) < 2:
        return ""
    return json.dumps(
        {
            "labels": [row.day.isoformat() for row in rows],
            "datasets": [
                {
                    "label": _("Members"),
                    "data": [row.size for row in rows],
                    "borderColor": "#0072b2",
                    "backgroundColor": "#0072b2",
                }
            ],
        }
    )


def _children(segment: Segment) -> list[dict[str, str]]:
    """Other segments whose rule is built on this one."""
    found = []
    for other in Segment.objects.filter(kind__in=Segment.RULED):
        try:
            if segment.slug in reading.parents(checking.parsed(other)):
                url = reverse("admin:crm_segment_change", args=[other.pk])
                found.append({"name": str(other), "url": url})
        except language.BadRule:
            continue
    return found
