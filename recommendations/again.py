"""Buy again: what this customer bought before, as it is time to buy it again.

A product scores the chance that it is bought again at all, times how near the moment is to the
usual interval (after Bhagat et al. 2018, "Buy it again: modeling repeat purchase
recommendations"). Both are the product's own, and lean to the customer's as purchases repeat.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, log
from statistics import median

from crm.models import Order as Purchase
from crm.models import OrderLine, Product
from recommendations.interactions import Touch
from recommendations.ranking import Ranking
from recommendations.reasons import Reason

LINES_READ = 5_000  # the newest, of the products that this customer bought
USUAL = 60.0  # days, where nobody ever bought a product twice
TRUST = 2.0  # gaps of a customer that weigh as much as what all others do
SHARE = 0.1  # of buyers who come back for a product of which nothing is known …
BELIEF = 5.0  # … which is believed like so many buyers
BREADTH = 0.7  # of the interval, as deviation of its logarithm
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Habit:
    """How all customers buy one product again."""

    buyers: int
    returned: int
    gaps: tuple[float, ...]  # days between purchases of one customer

    @property
    def share(self) -> float:
        return (self.returned + BELIEF * SHARE) / (self.buyers + BELIEF)


@dataclass(frozen=True)
class Again(Ranking):
    """Earlier purchases, the most due first."""

    why: Mapping[int, Reason]

    def reasons(
        self, products: Sequence[Product], *, following: Sequence[int] = ()
    ) -> dict[int, tuple[Reason, ...]]:
        return {product.pk: (self.why[product.pk],) for product in products}


def again(touches: Sequence[Touch], *, now: datetime) -> Again:
    """What was bought before, the most due first. One query, or none."""
    import numpy as np

    bought: dict[int, list[datetime]] = defaultdict(list)
    for touch in touches:
        if touch.kind == "bought":
            bought[touch.product_id].append(touch.at)
    habits = _habits(bought, now)
    due = {pk: _due(times, habits.get(pk, Habit(0, 0, ())), now) for pk, times in bought.items()}
    ids = sorted(due, key=lambda pk: max(bought[pk]), reverse=True)
    scores = np.array([due[pk][0] for pk in ids])
    why = {pk: reason for pk, (_, reason) in due.items()}
    return Again("again", np.array(ids, dtype=np.int64), scores, why)


def _due(times: Sequence[datetime], habit: Habit, now: datetime) -> tuple[float, Reason]:
    """How due a product is, and why that is so."""
    own = _gaps(times)
    usual = median(habit.gaps) if habit.gaps else USUAL
    every = (sum(own) + TRUST * usual) / (len(own) + TRUST)
    ago = max((now - max(times)) / DAY, 0.0)
    share = (habit.share * BELIEF + len(own)) / (BELIEF + len(own))
    near = exp(-(log(max(ago, 0.5) / max(every, 0.5)) ** 2) / (2 * BREADTH**2))
    evidence = {"every": round(every), "ago": round(ago), "times": len(own) + 1}
    if own:
        return share * near, Reason("due", evidence)
    return share * near, Reason("due_for_most" if habit.gaps else "bought_before", evidence)


def _habits(bought: Iterable[int], now: datetime) -> dict[int, Habit]:
    wanted = list(bought)
    if not wanted:
        return {}
    lines = (
        OrderLine.objects.filter(
            product__in=wanted, order__in=Purchase.objects.sales(), order__placed_at__lte=now
        )
        .order_by("-order__placed_at", "-id")
        .values_list("product_id", "order__customer_id", "order__placed_at")[:LINES_READ]
    )
    times: dict[int, dict[int, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for product, customer, at in lines:
        times[product][customer].append(at)
    return {product: _habit(list(buyers.values())) for product, buyers in times.items()}


def _habit(buyers: Sequence[Sequence[datetime]]) -> Habit:
    gaps = [_gaps(times) for times in buyers]
    every = tuple(gap for one in gaps for gap in one)
    return Habit(len(buyers), sum(1 for one in gaps if one), every)


def _gaps(times: Iterable[datetime]) -> list[float]:
    """Days between purchases; two orders of one day are one purchase."""
    days = sorted({at.date(): at for at in sorted(times)}.values())
    return [(after - before) / DAY for before, after in pairwise(days)]
