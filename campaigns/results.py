"""What a campaign did: its funnel, and what changed against those who were held out.

Intention to treat: every customer who was given an arm counts, whether the message reached
them or not. Leaving out whom we could not reach would compare different people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum

from campaigns.ml import lift
from campaigns.models import Assignment, Campaign, Delivery, Variant
from crm.models import Order

Status = Delivery.Status


@dataclass(frozen=True)
class Arm:
    """One variant, or the holdout (variant None)."""

    variant: Variant | None
    size: int
    planned: float
    sent: int
    opened: int
    clicked: int
    converted: lift.Share
    spent: lift.Mean

    @property
    def label(self) -> str:
        return self.variant.label if self.variant else "holdout"

    @property
    def revenue(self) -> float:
        return self.spent.mean * self.spent.size


@dataclass(frozen=True)
class Comparison:
    """One arm against another; the differences are None while an arm is empty."""

    label: str
    against: str
    conversion: lift.Difference | None
    revenue_each: lift.Difference | None
    revenue_total: lift.Difference | None

    @property
    def verdict(self) -> str:
        """better, worse, or unclear: a winner is named only when the interval leaves zero."""
        if self.conversion is None or not self.conversion.is_clear:
            return "unclear"
        return "better" if self.conversion.estimate > 0 else "worse"


@dataclass(frozen=True)
class Result:
    campaign: Campaign
    arms: Sequence[Arm]
    holdout: Arm | None
    overall: Comparison | None
    against_holdout: Sequence[Comparison]
    between_variants: Sequence[Comparison]
    statuses: dict[str, int]
    skipped: Sequence[tuple[str, int]]
    sample_ratio_p: float
    window_ends: datetime | None

    @property
    def is_split_broken(self) -> bool:
        return self.sample_ratio_p < lift.SUSPICIOUS

    @property
    def sent(self) -> int:
        return sum(self.statuses.get(status, 0) for status in Delivery.WENT_OUT)

    @property
    def waiting(self) -> int:
        return self.statuses.get(Status.QUEUED, 0) + self.statuses.get(Status.SENDING, 0)

    @property
    def failed(self) -> int:
        return self.statuses.get(Status.FAILED, 0)

    @property
    def skipped_total(self) -> int:
        return self.statuses.get(Status.SKIPPED, 0)

    @property
    def uncertain(self) -> int:
        return self.statuses.get(Status.UNCERTAIN, 0)

    @property
    def settled(self) -> int:
        return self.sent + self.failed + self.skipped_total + self.uncertain

    @property
    def funnel(self) -> list[tuple[str, int]]:
        treated = [arm for arm in self.arms if arm.variant]
        return [
            ("audience", self.campaign.audience_size),
            ("written_to", self.campaign.to_be_written_to),
            ("sent", self.sent),
            ("opened", sum(arm.opened for arm in treated)),
            ("clicked", sum(arm.clicked for arm in treated)),
            ("converted", sum(arm.converted.hits for arm in treated)),
        ]


def of(campaign: Campaign) -> Result:
    """Count everything anew, with a fixed number of queries."""
    variants = list(campaign.variants.order_by("pk"))
    arms = _arms(campaign, variants)
    treated = [arm for arm in arms if arm.variant]
    holdout = next((arm for arm in arms if arm.variant is None), None)
    present = [arm for arm in arms if arm.planned > 0]
    return Result(
        campaign=campaign,
        arms=arms,
        holdout=holdout,
        overall=_compare(_together(treated), holdout) if holdout and treated else None,
        against_holdout=[_compare(arm, holdout) for arm in treated] if holdout else [],
        between_variants=[_compare(arm, treated[0]) for arm in treated[1:]],
        statuses=_statuses(campaign),
        skipped=_skipped(campaign),
        sample_ratio_p=lift.sample_ratio_p(
            [arm.size for arm in present], [arm.planned for arm in present]
        ),
        window_ends=_window_ends(campaign),
    )


def status_counts(campaigns: Sequence[Campaign]) -> dict[int, dict[str, int]]:
    """How many deliveries of each campaign are in each state, for the list; one query."""
    rows = Delivery.objects.filter(campaign__in=campaigns).values_list("campaign_id", "status")
    counted: dict[int, dict[str, int]] = {}
    for campaign_id, status, number in rows.annotate(number=Count("pk")).order_by():
        counted.setdefault(campaign_id, {})[status] = number
    return counted


def _arms(campaign: Campaign, variants: Sequence[Variant]) -> list[Arm]:
    assigned = Assignment.objects.filter(campaign=campaign).values_list("variant_id")
    sizes: dict[int | None, int] = dict(assigned.annotate(Count("pk")).order_by())
    reached = _reached(campaign)
    bought = _bought(campaign)
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
            spent=bought.get(variant.pk if variant else None, []),
        )
        for variant in choices
    ]


def _arm(
    variant: Variant | None,
    *,
    size: int,
    planned: float,
    reached: dict[str, int],
    spent: Sequence[float],
) -> Arm:
    return Arm(
        variant=variant,
        size=size,
        planned=planned,
        sent=reached.get("went", 0),
        opened=reached.get("opened", 0),
        clicked=reached.get("clicked", 0),
        converted=lift.Share(len(spent), size),
        spent=lift.Mean.of_sums(size, sum(spent), sum(money * money for money in spent)),
    )


def _reached(campaign: Campaign) -> dict[int, dict[str, int]]:
    rows = campaign.deliveries.values("variant_id").order_by()
    counted = rows.annotate(
        went=Count("pk", filter=Q(status__in=Delivery.WENT_OUT)),
        opened=Count("opened_at"),
        clicked=Count("clicked_at"),
    )
    rows_of_numbers = counted.values_list("variant_id", "went", "opened", "clicked")
    return {
        variant_id: {"went": went, "opened": opened, "clicked": clicked}
        for variant_id, went, opened, clicked in rows_of_numbers
    }


def _bought(campaign: Campaign) -> dict[int | None, list[float]]:
    """What each customer who bought spent within their window, by arm."""
    window = timedelta(days=campaign.attribution_days)
    orders = Order.objects.sales().filter(
        customer__assignments__campaign=campaign,
        placed_at__gte=F("customer__assignments__assigned_at"),
        placed_at__lt=F("customer__assignments__assigned_at") + window,
    )
    rows = orders.values_list("customer__assignments__variant_id", "customer_id")
    spent: dict[int | None, list[float]] = {}
    for variant_id, _customer_id, money in rows.annotate(money=Sum("total")).order_by():
        spent.setdefault(variant_id, []).append(float(money))
    return spent


def _together(arms: Sequence[Arm]) -> Arm:
    """All variants as one arm: what the campaign did, whatever it said."""
    size = sum(arm.size for arm in arms)
    total = sum(arm.revenue for arm in arms)
    squares = sum(_squares(arm.spent) for arm in arms)
    return Arm(
        variant=None,
        size=size,
        planned=sum(arm.planned for arm in arms),
        sent=sum(arm.sent for arm in arms),
        opened=sum(arm.opened for arm in arms),
        clicked=sum(arm.clicked for arm in arms),
        converted=lift.Share(sum(arm.converted.hits for arm in arms), size),
        spent=lift.Mean.of_sums(size, total, squares),
    )


def _squares(mean: lift.Mean) -> float:
    return mean.variance * max(mean.size - 1, 0) + mean.size * mean.mean**2


def _compare(arm: Arm, other: Arm) -> Comparison:
    each = lift.difference_of_means(arm.spent, other.spent)
    return Comparison(
        label=arm.label if arm.variant else "all",
        against=other.label,
        conversion=lift.difference_of_shares(arm.converted, other.converted),
        revenue_each=each,
        revenue_total=each.times(arm.size) if each else None,
    )


def _statuses(campaign: Campaign) -> dict[str, int]:
    return status_counts([campaign]).get(campaign.pk, {})


def _skipped(campaign: Campaign) -> list[tuple[str, int]]:
    rows = campaign.deliveries.filter(status=Status.SKIPPED).values_list("reason")
    return list(rows.annotate(number=Count("pk")).order_by("-number", "reason"))


def _window_ends(campaign: Campaign) -> datetime | None:
    if campaign.started_at is None:
        return None
    return campaign.started_at + timedelta(days=campaign.attribution_days)
