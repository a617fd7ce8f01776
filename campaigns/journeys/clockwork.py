"""Journeys that people enter by the clock: everybody of a segment or a rule, every day or week."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from campaigns.journeys import entering, running
from campaigns.journeys.entering import Reason
from campaigns.journeys.graph import Node
from campaigns.journeys.running import Running
from campaigns.journeys.walking import next_clock
from campaigns.models import Journey
from crm import segments
from crm.models import Customer

BATCH = 1000


def let_in(*, now: datetime) -> int:
    """Let in whom the clock lets in; return how many came. May be killed and run again."""
    came = 0
    for one in running.of_all(Journey.objects.live().select_related("version").order_by("pk")):
        since = one.journey.recurred_to or one.journey.launched_at
        if one.graph.entry.data["trigger"] != "recurring" or since is None:
            continue
        at = _last(one.graph.entry, since=since, now=now)
        if at is None:
            continue
        for some in _customers(one, now=now):
            reason = Reason(f"at:{at.isoformat()}", at, {"trigger": "recurring"})
            came += entering.enter(one, dict.fromkeys(some, reason), now=now)
        Journey.objects.filter(pk=one.journey.pk).update(recurred_to=at)
    return came


def _last(entry: Node, *, since: datetime, now: datetime) -> datetime | None:
    """The last time the clock has struck after `since`; what was missed longer ago is missed."""
    found, at = None, max(since, now - timedelta(days=8))
    while (at := next_clock(entry, zone=settings.TIME_ZONE, now=at)) <= now:
        found = at
    return found


def _customers(one: Running, *, now: datetime) -> Iterator[list[int]]:
    """Everybody who might enter; the rule is asked batch by batch where they enter."""
    slug, last = one.graph.entry.data.get("segment"), 0
    rule = one.graph.entry.data.get("rule")
    everybody = Customer.objects.active() if slug else segments.matching(rule, now=now)
    inside = Q(memberships__segment__slug=slug) if slug else Q()
    while some := list(
        everybody.filter(inside, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        yield some
        last = some[-1]
