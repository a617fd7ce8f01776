"""The arms of a campaign: who was in each, what reached them, what they bought and spent.

Intention to treat: every customer who was given an arm counts, whether the message reached
them or not. Leaving out whom we could not reach would compare different people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from django.db.models import Count, F, Q, Sum

from campaigns.ml import lift
from campaigns.models import Assignment, Campaign, Delivery, Variant
from crm.ml import sequences
from crm.models import Order

BEFORE = timedelta(days=90)  # what customers spent in it is known before anybody is written to
RARE = 0.5  # of a confidence sequence that is narrow for shares near nought
GUARDS = {"unsubscribed": 0.02, "complained": 0.003}  # of the sent; what providers put up with


@dataclass(frozen=True)
class Outcomes:
    """(customers,) each: bought 0 or 1 and spent within the window; spent in the time before."""

    bought: np.ndarray
    spent: np.ndarray
    before: np.ndarray

    @classmethod
    def of(cls, size: int, rows: Sequence[tuple[float, float, float]]) -> "Outcomes":
        """rows: of those who bought at all; the others are zeros."""
        table = np.zeros((3, size))
        if rows:
            table[:, : len(rows)] = np.array(rows).T
        return cls(*table)

    @classmethod
    def together(cls, parts: Sequence["Outcomes"]) -> "Outcomes":
        names = ("bought", "spent", "before")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Guard:
    """What must not rise while something else is to: its share of the sent, at every look."""

    seen: sequences.Always
    hits: int
    limit: float

    @property
    def is_broken(self) -> bool:
        return self.seen.low > self.limit


@dataclass(frozen=True)
class Arm:
    """One variant, or the holdout (variant None)."""

    variant: Variant | None
    size: int
    planned: float
    sent: int
    opened: int
    clicked: int
    guards: dict[str, "Guard"]
    outcomes: "Outcomes"

    @cached_property
    def converted(self) -> lift.Share:
        return lift.Share(int(self.outcomes.bought.sum()), self.size)

    @cached_property
    def spent(self) -> lift.Mean:
        money = self.outcomes.spent
        return lift.Mean.of_sums(self.size, float(money.sum()), float(money @ money))

    @property
    def label(self) -> str:
        return self.variant.label if self.variant else "holdout"

    @property
    def revenue(self) -> float:
        return self.spent.mean * self.spent.size


def of(
    campaign: Campaign, variants: Sequence[Variant], *, until: datetime | None = None
) -> list[Arm]:
    """Every variant, then the holdout, by what was bought until then; with three queries."""
    # The sizes last: while an audience is being given its arms, they only grow.
    bought = _bought(campaign, until)
    reached = _reached(campaign)
    assigned = Assignment.objects.filter(campaign=campaign).values_list("variant_id")
    sizes: dict[int | None, int] = dict(assigned.annotate(Count("pk")).order_by())
    share = float(campaign.holdout_share)
    weights = sum(variant.weight for variant in variants)
    planned: dict[int | None, float] = {None: share}
    planned |= {v.pk: (1 - share) * v.weight / weights for v in variants}
    choices: list[Variant | None] = [*variants, None] if share or None in sizes else [*variants]
    return [
        _arm(
            variant,
            size=sizes.get(variant.pk if variant else None, 0),
            planned=planned[variant.pk if variant else None],
            reached=reached.get(variant.pk, {}) if variant else {},
            bought=bought.get(variant.pk if variant else None, []),
        )
        for variant in choices
    ]


def together(arms: Sequence[Arm]) -> Arm:
    """All variants as one arm: what the campaign did, whatever it said."""
    return Arm(
        variant=None,
        size=sum(arm.size for arm in arms),
        planned=sum(arm.planned for arm in arms),
        sent=sum(arm.sent for arm in arms),
        opened=sum(arm.opened for arm in arms),
        clicked=sum(arm.clicked for arm in arms),
        guards={},
        outcomes=Outcomes.together([arm.outcomes for arm in arms]),
    )


def _arm(
    variant: Variant | None,
    *,
    size: int,
    planned: float,
    reached: dict[str, int],
    bought: Sequence[tuple[float, float, float]],
) -> Arm:
    return Arm(
        variant=variant,
        size=size,
        planned=planned,
        sent=reached.get("went", 0),
        opened=reached.get("opened", 0),
        clicked=reached.get("clicked", 0),
        guards=_guards(reached),
        outcomes=Outcomes.of(size, bought),
    )


def _guards(reached: dict[str, int]) -> dict[str, Guard]:
    found = {}
    for name, limit in GUARDS.items():
        sent = reached.get("went", 0)
        hits = min(reached.get(name, 0), sent)  # who left before the provider told us that it went
        found[name] = Guard(sequences.share(hits, sent, weight=RARE), hits, limit)
    return found


def _reached(campaign: Campaign) -> dict[int, dict[str, int]]:
    rows = campaign.deliveries.values("variant_id").order_by()
    counted = rows.annotate(
        went=Count("pk", filter=Q(status__in=Delivery.WENT_OUT)),
        opened=Count("opened_at"),
        clicked=Count("clicked_at"),
        unsubscribed=Count("unsubscribed_at"),
        complained=Count("pk", filter=Q(status=Delivery.Status.COMPLAINED)),
    )
    return {
        row["variant_id"]: {name: row[name] for name in ("went", "opened", "clicked", *GUARDS)}
        for row in counted.values("variant_id", "went", "opened", "clicked", *GUARDS)
    }


def _bought(
    campaign: Campaign, until: datetime | None
) -> dict[int | None, list[tuple[float, float, float]]]:
    """By arm, of each customer who bought: whether and for how much within the window, and before.

    Only who bought in either time is listed.
    """
    given = F("customer__assignments__assigned_at")
    within = Q(placed_at__gte=given)
    orders = Order.objects.sales().filter(
        customer__assignments__campaign=campaign,
        placed_at__gte=given - BEFORE,
        placed_at__lt=given + timedelta(days=campaign.attribution_days),
    )
    if until is not None:
        orders = orders.filter(placed_at__lt=until)
    rows = orders.values_list("customer__assignments__variant_id", "customer_id").annotate(
        orders=Count("pk", filter=within),
        spent=Sum("total", filter=within),
        before=Sum("total", filter=~within),
    )
    found: dict[int | None, list[tuple[float, float, float]]] = {}
    for variant_id, _customer_id, count, spent, before in rows.order_by():
        row = (float(count > 0), float(spent or 0), float(before or 0))
        found.setdefault(variant_id, []).append(row)
    return found
