"""Who the campaign reached, by group: the same chance of hearing of it for all who were chosen?"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from campaigns.ml import fairness
from campaigns.ml.lift import Share, wilson
from campaigns.models import Campaign, Delivery
from crm.models import Customer

MOST_GROUPS = 12


@dataclass(frozen=True)
class Group:
    name: str
    reached: Share

    @property
    def label(self) -> str:
        return str(dict(Customer.Language.choices).get(self.name, self.name))

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.reached)


@dataclass(frozen=True)
class Exposure:
    """p_value: of groups reached so differently by luck; widest: their largest difference."""

    groups: Sequence[Group]
    p_value: float
    widest: tuple[float, float]

    @property
    def is_unequal(self) -> bool:
        return self.p_value < fairness.ALPHA


def by_language(campaign: Campaign) -> Exposure | None:
    """Of those who were to be written to; one query. None where there is nothing to compare."""
    rows = (
        campaign.deliveries.values_list("customer__language")
        .annotate(all=Count("pk"), went=Count("pk", filter=Q(status__in=Delivery.WENT_OUT)))
        .order_by("-all", "customer__language")[:MOST_GROUPS]
    )
    groups = [Group(language, Share(went, size)) for language, size, went in rows]
    shares = [group.reached for group in groups]
    low, high = fairness.largest_difference([shares])
    if low is None or high is None or not any(share.hits for share in shares):
        return None
    return Exposure(groups, fairness.homogeneity_p(shares, seed=campaign.pk or 0), (low, high))
