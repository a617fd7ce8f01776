"""What a campaign of this size can show, before it is started."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import audiences, looking
from campaigns.ml import waiting
from campaigns.models import Campaign
from crm.models import Order

HOPED = 0.1  # the rise that a needed audience is named for


@dataclass(frozen=True)
class Outlook:
    """base: the share of the audience that bought in as many days as the window has, just now.

    smallest: the relative rise over it that 8 of 10 such campaigns would show within the window,
    looked at as its design says; None if no rise is great enough. needed: the audience for a rise
    of a tenth; None where nobody is held out, or nobody bought.
    """

    size: int
    held_out: int
    base: float
    days: int
    smallest: float | None
    needed: int | None

    @property
    def risen(self) -> float | None:
        return None if self.smallest is None else self.base * (1 + self.smallest)


def outlook(campaign: Campaign, *, now: datetime) -> Outlook:
    """With two queries."""
    days = campaign.attribution_days
    size = audiences.size(campaign)
    bought = (
        Order.objects.sales()
        .filter(customer__in=audiences.customers(campaign))
        .filter(placed_at__gte=now - timedelta(days=days), placed_at__lt=now)
        .values("customer_id")
        .distinct()
        .count()
    )
    base = bought / size if size else 0.0
    share, level = float(campaign.holdout_share), looking.level(campaign.design)
    held_out = round(size * share)
    return Outlook(
        size=size,
        held_out=held_out,
        base=base,
        days=days,
        smallest=waiting.smallest_lift(base, size - held_out, held_out, level=level),
        needed=waiting.customers_for(base, HOPED, holdout=share, level=level),
    )
