"""A group of customers as a whole: what it is made of, and the two tables that show how it buys."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from crm import features
from crm.insight import cohorts, rfm_grid
from crm.insight.makeup import makeup
from crm.insight.value import worth
from crm.models import Segment


def panel(segment: Segment, now: datetime) -> dict[str, Any]:
    """What the page of a segment shows of its members. Eight queries, one more an hour."""
    members = segment.memberships.values("customer")
    return {
        "makeup": makeup(members),
        "worth": worth(members),
        "currency": features.shop_currency(now=now),
        **tables(as_of=now, members=members),
    }


def tables(*, as_of: datetime, members: QuerySet[Any] | None = None) -> dict[str, Any]:
    """The RFM grid and the cohorts of everybody or of some, and their deepest cells."""
    found = cohorts.cohorts(as_of=as_of, members=members)
    grid = rfm_grid.grid(members)
    mean = cohorts.mean_retention(found)
    last = max((place for place, share in enumerate(mean) if share is not None), default=0)
    later = [share for cohort in found for share in cohort.retention[1:] if share]
    return {
        "grid": grid,
        "deepest": max((cell.share for row in grid for cell in row), default=0.0),
        "cohorts": found,
        "months": range(1, last + 1),
        "lived": f"1:{last + 1}",  # no column for months that nobody has lived
        "mean_retention": mean,
        "most_retained": max(later, default=0.0),
    }
