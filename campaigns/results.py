"""What a campaign did: its funnel, and what changed against those who were held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from campaigns import arms as arms_of
from campaigns import looking
from campaigns.arms import Arm
from campaigns.comparing import Comparing, Comparison
from campaigns.ml import lift
from campaigns.models import Campaign, Delivery

Status = Delivery.Status


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
    looks: looking.Looking

    @property
    def is_split_broken(self) -> bool:
        return self.sample_ratio_p < lift.SUSPICIOUS

    @property
    def overall_caused(self) -> lift.Difference | None:
        """How many customers more bought, of all who were to be written to."""
        seen = self.overall.conversion if self.overall else None
        return seen.times(sum(arm.size for arm in self.arms if arm.variant)) if seen else None

    @property
    def is_guard_broken(self) -> bool:
        return any(guard.is_broken for arm in self.arms for guard in arm.guards.values())

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
    def unprepared(self) -> int:
        return self.campaign.unprepared

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


def of(campaign: Campaign, *, now: datetime) -> Result:
    """Count everything anew, with a fixed number of queries."""
    variants = list(campaign.variants.order_by("pk"))
    arms, looks = arms_of.of(campaign, variants), looking.of(campaign, now=now)
    seen = arms_of.of(campaign, variants, until=looks.until) if looks.until else arms
    treated = [arm for arm in seen if arm.variant]
    holdout = next((arm for arm in seen if arm.variant is None), None)
    present = [arm for arm in arms if arm.planned > 0]
    compare = Comparing(campaign, now, looks)
    return Result(
        campaign=campaign,
        arms=arms,
        holdout=holdout,
        overall=compare([arms_of.together(treated)], holdout)[0] if holdout and treated else None,
        against_holdout=compare(treated, holdout) if holdout else [],
        between_variants=compare(treated[1:], treated[0]) if treated else [],
        statuses=_statuses(campaign),
        skipped=_skipped(campaign),
        sample_ratio_p=lift.sample_ratio_p(
            [arm.size for arm in present], [arm.planned for arm in present]
        ),
        window_ends=_window_ends(campaign),
        looks=looks,
    )


def status_counts(campaigns: Sequence[Campaign]) -> dict[int, dict[str, int]]:
    """How many deliveries of each campaign are in each state, for the list; one query."""
    rows = Delivery.objects.filter(campaign__in=campaigns).values_list("campaign_id", "status")
    counted: dict[int, dict[str, int]] = {}
    for campaign_id, status, number in rows.annotate(number=Count("pk")).order_by():
        counted.setdefault(campaign_id, {})[status] = number
    return counted


def _statuses(campaign: Campaign) -> dict[str, int]:
    return status_counts([campaign]).get(campaign.pk, {})


def _skipped(campaign: Campaign) -> list[tuple[str, int]]:
    rows = campaign.deliveries.filter(status=Status.SKIPPED).values_list("reason")
    return list(rows.annotate(number=Count("pk")).order_by("-number", "reason"))


def _window_ends(campaign: Campaign) -> datetime | None:
    if campaign.started_at is None:
        return None
    return campaign.started_at + timedelta(days=campaign.attribution_days)
