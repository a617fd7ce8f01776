"""Whether the members of a segment are those of this moment, and if not, why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from crm.models import Segment, Touch
from crm.segments import checking, keeping, language, reading
from crm.segments.touches import EVERYTHING

CLOCK_MAY_LAG = timedelta(minutes=5)
SCORES_LAST = timedelta(days=8)  # scoring runs each night; after a week something is wrong


class Stale(Exception):
    """The members are not those of this moment, and cannot be brought up to it."""


@dataclass(frozen=True)
class Freshness:
    is_fresh: bool
    why: str = ""


def of(segment: Segment, *, now: datetime) -> Freshness:
    return of_all([segment], now=now)[segment.pk]


def of_all(segments: Iterable[Segment], *, now: datetime) -> dict[int, Freshness]:
    """The freshness of several segments. Two queries."""
    waiting = set(Touch.objects.order_by().values_list("reads", flat=True).distinct()[:1000])
    everyone = {s.slug: s for s in Segment.objects.filter(kind__in=Segment.RULED)}
    return {s.pk: _of(s, everyone, waiting, now=now) for s in segments}


def bring_up_to_date(segment: Segment, *, now: datetime) -> None:
    """Do what can be done so that the members are those of this moment. Raises Stale."""
    if segment.kind in Segment.RULED:
        keeping.keep_up(now=now)
        segment.refresh_from_db()
    found = of(segment, now=now)
    if not found.is_fresh:
        raise Stale(
            _("The segment “%(name)s” is not up to date: %(why)s")
            % {"name": segment, "why": found.why}
        )


def _of(
    segment: Segment, everyone: Mapping[str, Segment], waiting: set[str], *, now: datetime
) -> Freshness:
    if segment.kind == Segment.Kind.STATIC:
        return Freshness(True)
    if segment.kind not in Segment.RULED:
        return _of_scores(segment, now=now)
    for one in (segment, *_ancestors(segment, everyone)):
        if why := _trouble(one, waiting, now=now):
            return Freshness(False, why)
    return Freshness(True)


def _of_scores(segment: Segment, *, now: datetime) -> Freshness:
    if segment.refreshed_at is None:
        return Freshness(False, _("it was never scored"))
    age = now - segment.refreshed_at
    if age > SCORES_LAST:
        return Freshness(False, _("it was last scored %(days)s days ago") % {"days": age.days})
    return Freshness(True)


def _trouble(segment: Segment, waiting: set[str], *, now: datetime) -> str:
    if segment.problem:
        return segment.problem
    if segment.filled_version != language.version(segment.rule):
        return _("its rule was changed and nobody was looked at since")
    if segment.refreshed_at is None or now - segment.refreshed_at > CLOCK_MAY_LAG:
        return _("the clock has not reached it; is the worker running?")
    if waiting & {EVERYTHING, *reading.reads(checking.parsed(segment))}:
        return _("changes of customers are waiting to be looked at")
    return ""


def _ancestors(segment: Segment, everyone: Mapping[str, Segment]) -> list[Segment]:
    """Every segment with a rule that this one is built on, however far below."""
    found: dict[str, Segment] = {}
    ahead = [segment]
    while ahead:
        try:
            slugs = reading.parents(checking.parsed(ahead.pop()))
        except language.BadRule:
            continue
        for slug in slugs & everyone.keys() - found.keys():
            found[slug] = everyone[slug]
            ahead.append(everyone[slug])
    return list(found.values())
