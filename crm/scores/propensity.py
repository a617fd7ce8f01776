"""The chance that a customer buys, or stays away, within so many days; and why.

A shop has no contracts: a customer is *lost* for a horizon when they bought within the last
180 days and place no order within it. Purchase is asked of everybody who bought within a year.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import features
from crm.models import Artifact, Customer, Order, Score
from crm.scores.writing import Maker, Scored, write

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.propensity import Propensity

TOLD = 5  # reasons by name; the others are added up


@dataclass(frozen=True)
class Goal:
    """What is foretold: of whom, within how many days, and whether silence is the yes."""

    name: str
    days: int
    within: int  # days before the moment in which a customer must have bought
    is_silence: bool

    def people(self, *, as_of: datetime) -> QuerySet[Customer]:
        bought = Order.objects.sales().filter(
            placed_at__lte=as_of, placed_at__gt=as_of - timedelta(days=self.within)
        )
        return Customer.objects.active().filter(pk__in=bought.values("customer"))

    def labels(self, ids: "np.ndarray", *, after: datetime) -> "np.ndarray":
        """(ids,) 1 where it came true in the days after the moment."""
        import numpy as np

        bought = Order.objects.sales().filter(
            placed_at__gt=after, placed_at__lte=after + timedelta(days=self.days)
        )
        buyers = np.fromiter(bought.values_list("customer_id", flat=True), dtype=np.int64)
        return np.asarray(np.isin(ids, buyers) != self.is_silence, dtype=int)


GOALS = {
    goal.name: goal
    for goal in (
        Goal("churn_30", 30, 180, is_silence=True),
        Goal("churn_90", 90, 180, is_silence=True),
        Goal("purchase_30", 30, 365, is_silence=False),
        Goal("purchase_90", 90, 365, is_silence=False),
    )
}


def refresh_propensity(
    estimator: "Propensity", artifact: Artifact, *, as_of: datetime, now: datetime
) -> int:
    """Write the chance of everybody it is asked of; return how many."""
    goal = GOALS[artifact.name]
    tables = features.chunks(goal.people(as_of=as_of), as_of=as_of)
    rows = (row for table in tables for row in _scored(table, estimator))
    return write(artifact.name, rows, by=Maker.trained(artifact, at=now))


def sentences(score: Score) -> list[str]:
    """The reasons of a chance as staff read them, the weightiest first."""
    told = []
    for name, value, log_odds in score.detail.get("reasons", []):
        fact = {"fact": features.said(name, value)}
        likelier = log_odds > 0
        told.append(
            _("likelier: %(fact)s") % fact if likelier else _("less likely: %(fact)s") % fact
        )
    return told


def _scored(table: features.Table, estimator: "Propensity") -> Iterator[Scored]:
    import numpy as np

    chance, told = estimator.predict(table.matrix), estimator.contributions(table.matrix)
    bases, (lower, upper) = estimator.bases(table.matrix), estimator.interval(chance)
    best = np.argsort(-np.abs(told), axis=1)[:, :TOLD]
    for row, pk in enumerate(table.ids.tolist()):
        reasons = [_reason(table, row, place, told[row, place]) for place in best[row].tolist()]
        yield Scored(
            pk,
            float(chance[row]),
            {
                "lower": round(float(lower[row]), 4),
                "upper": round(float(upper[row]), 4),
                "base": float(bases[row]),
                "reasons": reasons,
                "others": float(told[row].sum()) - sum(share for _, _, share in reasons),
            },
        )


def _reason(table: features.Table, row: int, place: int, share: float) -> tuple[str, Any, float]:
    value = float(table.matrix[row, place])
    return table.names[place], None if value != value else round(value, 4), round(float(share), 9)
