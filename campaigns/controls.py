"""What all campaigns do together: a share of the customers hears from none of them.

Single campaigns are measured by holdouts of their own; only people who get nothing at all for
months show what the messages come to together, fatigue included. They are compared as they were
drawn, whether they could have been written to or not.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum

from campaigns.ml import chance, experiment
from campaigns.models import ControlGroup
from crm.models import Customer, Order

LONGEST_HISTORY = 400  # measurements, one a day
BATCH = 5000
Row = dict[str, Any]


class AlreadyRunning(Exception):
    """There is a control group; end it before another begins."""


class Ended(Exception):
    """This group has ended; what it showed stays."""


def start(group: ControlGroup, *, now: datetime) -> ControlGroup:
    """Begin with this share. Raises AlreadyRunning."""
    group.started_at, group.ended_at = now, None
    try:
        with transaction.atomic():
            group.save(force_insert=True)
    except IntegrityError:
        raise AlreadyRunning("There is a control group already.") from None
    return group


def end(group: ControlGroup, *, now: datetime) -> None:
    """Measure it a last time, and let campaigns write to everybody again. Raises Ended."""
    measure(group, now=now)
    if not ControlGroup.objects.running().filter(pk=group.pk).update(ended_at=now):
        raise Ended(str(group))


def holds(group_id: int, share: float, customer_id: int) -> bool:
    """Whether this customer is in this group."""
    secret = f"campaigns.controls {settings.SECRET_KEY}".encode()
    return chance.unit(secret, f"control-{group_id}", str(customer_id)) < share


def measure_running(*, now: datetime) -> int:
    """Measure the group that runs, if one does."""
    running = list(ControlGroup.objects.running())
    for group in running:
        measure(group, now=now)
    return len(running)


def measure(group: ControlGroup, *, now: datetime) -> Row | None:
    """Compare it with everybody else so far, and keep that; once a day. None for an ended one.

    Customers who came later are left out: of them nothing was drawn when the group began.
    """
    with transaction.atomic():
        group = ControlGroup.objects.select_for_update().get(pk=group.pk)
        if group.ended_at:
            return None
        row = _compare(group, now=now)
        day = row["at"][:10]
        kept = [old for old in group.history if old["at"][:10] != day]
        group.history = [*kept, row][-LONGEST_HISTORY:]
        group.measured_at = now
        group.save(update_fields=["history", "measured_at"])
    return row


def _compare(group: ControlGroup, *, now: datetime) -> Row:
    bought, spent, before, held = _outcomes(group, now=now)
    arms = {
        name: (bought[mine], spent[mine], before[mine])
        for name, mine in (("control", held), ("written", ~held))
    }
    plan = experiment.Plan(
        shares={"control": float(group.share), "written": 1 - float(group.share)},
        units=float(max(held.sum(), 1)),
    )
    shares = {name: experiment.Arm(arm[0]) for name, arm in arms.items()}
    money = {name: experiment.Arm(arm[1], arm[2]) for name, arm in arms.items()}
    seen = experiment.judge(shares, control="control", is_share=True, plan=plan)
    each = experiment.judge(money, control="control", is_share=False, plan=plan)
    return {
        "at": now.isoformat(),
        "days": (now - group.started_at) / timedelta(days=1),
        "sizes": {name: arm.size for name, arm in shares.items()},
        "conversion": _said(seen.findings["written"]),
        "revenue": _said(each.findings["written"]),
        "sample_ratio_p": seen.sample_ratio_p,
    }


def _said(finding: experiment.Finding) -> Row | None:
    """The estimate with the interval that may be looked at every day; None where too few bought."""
    if finding.difference is None or finding.low is None or finding.high is None:
        return None
    return {
        "estimate": finding.difference.estimate,
        "lower": finding.low,
        "upper": finding.high,
        "verdict": finding.verdict,
    }


def _outcomes(group: ControlGroup, *, now: datetime) -> tuple[np.ndarray, ...]:
    """(customers,) each: bought 0 or 1 and spent since the start, spent as long before, held."""
    ids = np.fromiter(_drawn_from(group), dtype=np.int64)
    share = float(group.share)
    held = np.fromiter((holds(group.pk, share, pk) for pk in ids.tolist()), dtype=bool)
    length = now - group.started_at
    bought, spent = _bought(ids, group.started_at, now)
    before = _bought(ids, group.started_at - length, group.started_at)[1]
    return bought, spent, before, held


def _drawn_from(group: ControlGroup) -> Iterator[int]:
    known = Customer.objects.filter(first_seen_at__lt=group.started_at, merged_into=None)
    return known.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=BATCH)


def _bought(ids: np.ndarray, start: datetime, until: datetime) -> tuple[np.ndarray, np.ndarray]:
    orders = Order.objects.sales().filter(placed_at__gte=start, placed_at__lt=until)
    rows = orders.values_list("customer_id").annotate(Count("pk"), Sum("total")).order_by()
    bought, spent = np.zeros(len(ids)), np.zeros(len(ids))
    for customer_id, _count, total in rows.iterator(chunk_size=BATCH):
        place = int(np.searchsorted(ids, customer_id))
        if place < len(ids) and ids[place] == customer_id:
            bought[place], spent[place] = 1.0, float(total)
    return bought, spent
