"""What a campaign would be given the credit for by rules of attribution: correlation, no cause.

Shown beside the holdout's answer, so that the two can be told apart. Markov's rule is not among
them: it needs the journeys of everybody who did not buy (`analyse attribution` has it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db.models import F, Min, Sum

from campaigns.ml import attribution
from campaigns.models import Campaign, Delivery
from crm.models import Order

MOST_BUYERS = 100_000  # beyond, the page does without: a table nobody waits a minute for


@dataclass(frozen=True)
class Credited:
    """Of the purchases of those who were to be written to: this campaign's, others', nobody's."""

    model: str
    purchases: float
    revenue: float
    elsewhere: float
    untouched: float


def of(campaign: Campaign) -> list[Credited]:
    """By model. With two queries; empty before the first purchase and where there are too many.

    A journey is what was sent to a customer, by any campaign, within the window's length before
    their first purchase since they had their arm.
    """
    window = timedelta(days=campaign.attribution_days)
    given = F("customer__assignments__assigned_at")
    orders = Order.objects.sales().filter(
        customer__assignments__campaign=campaign,
        customer__assignments__variant__isnull=False,
        placed_at__gte=given,
        placed_at__lt=given + window,
    )
    rows = orders.values_list("customer_id").annotate(first=Min("placed_at"), spent=Sum("total"))
    bought = {pk: (first, float(spent)) for pk, first, spent in rows.order_by()[: MOST_BUYERS + 1]}
    if not bought or len(bought) > MOST_BUYERS or campaign.started_at is None:
        return []
    sent = Delivery.objects.went_out().filter(
        customer__in=orders.order_by().values("customer_id"),
        sent_at__gte=campaign.started_at - window,
    )
    day = timedelta(days=1)
    touches = [
        (customer, campaign_id == campaign.pk, (bought[customer][0] - at) / day)
        for customer, campaign_id, at in sent.values_list("customer_id", "campaign_id", "sent_at")
        if customer in bought and timedelta(0) <= bought[customer][0] - at <= window
    ]
    return _shared_out(touches, list(bought), [spent for _, spent in bought.values()])


def _shared_out(
    touches: Sequence[tuple[int, bool, float]], buyers: Sequence[int], spent: Sequence[float]
) -> list[Credited]:
    """touches: customer, whether by this campaign, days before the purchase."""
    place = {customer: number for number, customer in enumerate(buyers)}
    ordered = sorted((place[customer], -age, int(ours)) for customer, ours, age in touches)
    table = np.array(ordered, dtype=float).reshape(-1, 3)
    paths = attribution.Paths(
        journey=table[:, 0].astype(int),
        channel=table[:, 2].astype(int),
        age=-table[:, 1],
        converted=np.ones(len(buyers), dtype=bool),
        revenue=np.array(spent),
        channels=2,
    )
    found = []
    for model in attribution.RULES:
        credit = attribution.credited(paths, model)
        others, ours, untouched = (float(number) for number in credit.conversions)
        found.append(Credited(model, ours, float(credit.revenue[1]), others, untouched))
    return found
