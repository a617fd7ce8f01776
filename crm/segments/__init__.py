"""Segments: who belongs to which, by rule, by score or by hand; kept up to date, with reasons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from crm.models import Customer, Segment
from crm.segments.checking import checked
from crm.segments.compiling import customers
from crm.segments.estimates import Estimate, TooSlow, estimate
from crm.segments.freshness import Stale, bring_up_to_date
from crm.segments.keeping import drain, drain_all, keep_up, refresh, refresh_all
from crm.segments.labels import follow_labels
from crm.segments.language import BadRule
from crm.segments.membership import Change
from crm.segments.reasons import why
from crm.segments.touches import touch, touch_everybody

__all__ = [
    "BadRule",
    "Change",
    "Estimate",
    "Stale",
    "TooSlow",
    "bring_up_to_date",
    "drain",
    "drain_all",
    "estimate",
    "follow_labels",
    "keep_up",
    "matching",
    "members_of",
    "refresh",
    "refresh_all",
    "touch",
    "touch_everybody",
    "why",
]


def members_of(segment: Segment) -> QuerySet[Customer]:
    return Customer.objects.active().filter(memberships__segment=segment)


def matching(rule: Any, *, now: datetime, among: Sequence[int] | None = None) -> QuerySet[Customer]:
    """Return the customers a rule describes at this moment; of `among` only, where that is given.

    Raises BadRule.
    """
    return customers(checked(rule), now=now, among=among)
