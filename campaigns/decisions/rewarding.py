"""What came of decisions: told late, told twice, and only within the window."""

from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, Subquery

from campaigns.models import Decision, Placement, Reward
from crm.models import Order


class OutsideWindow(Exception):
    """It happened before the decision, or after the attribution window had closed."""


def reward(
    decision: Decision,
    *,
    kind: str,
    key: str,
    at: datetime,
    received_at: datetime,
    value: Decimal = Decimal(0),
) -> tuple[Reward, bool]:
    """Write down what came of a decision; the row, and whether it is new.

    The same key of the same decision is the same reward, whatever else is told with it.
    Raises OutsideWindow.
    """
    closes = decision.closes_at(decision.placement)
    if not decision.decided_at <= at < closes:
        raise OutsideWindow(f"It counts from {decision.decided_at:%FT%TZ} until {closes:%FT%TZ}.")
    return Reward.objects.get_or_create(
        decision=decision,
        key=key,
        defaults={"kind": kind, "value": value, "at": at, "received_at": received_at},
    )


def credit_order(order: Order, *, now: datetime) -> int:
    """Reward the newest decision of each placement before the order; return how many are new.

    Decisions to do nothing count as well: without them there is nothing to compare with.
    """
    newest = Decision.objects.filter(
        placement=OuterRef("pk"), customer=order.customer_id, decided_at__lte=order.placed_at
    ).order_by("-decided_at", "-pk")
    ids = Placement.objects.annotate(newest=Subquery(newest.values("pk")[:1])).exclude(newest=None)
    rows = Decision.objects.filter(pk__in=list(ids.values_list("newest", flat=True)))
    credited = 0
    for decision in rows.select_related("placement").order_by("pk"):
        if order.placed_at < decision.closes_at(decision.placement):
            _, is_new = reward(
                decision,
                kind=Reward.Kind.CONVERSION,
                key=f"order {order.pk}",
                at=order.placed_at,
                received_at=now,
                value=max(order.total, Decimal(0)),
            )
            credited += is_new
    return credited
