"""The value to come of every buyer."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm.models import Artifact
from crm.scores.bought import Purchases, purchases
from crm.scores.writing import Maker, Scored, by_rows, write

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.blended import Blended


YEAR, QUARTER = 365.0, 90.0  # days


def refresh_lifetime(
    lifetime: "Blended", artifact: Artifact, *, as_of: datetime, now: datetime
) -> int:
    """Write the value to come of every buyer; return how many."""
    import numpy as np

    ids, summary = lifetime_summary(purchases(as_of=as_of).recorded())
    year = lifetime.forecast(summary, horizon=YEAR, rng=np.random.default_rng(artifact.seed))
    quarter = lifetime.expected_purchases(summary, horizon=QUARTER)
    names = ("value", "lower", "upper", "p_alive", "purchases_365d", "purchases_90d")
    columns = (year.value, year.lower, year.upper, year.p_alive, year.purchases, quarter)
    rows = (
        Scored(pk, detail[0], dict(zip(names, detail, strict=True)))
        for pk, *detail in by_rows(ids, *(column.round(4) for column in columns))
    )
    return write("clv", rows, by=Maker.trained(artifact, at=now))


def lifetime_summary(bought: Purchases) -> "tuple[np.ndarray, Any]":
    """Ids of the buyers and their summary for the lifetime value, in days."""
    from crm.ml.lifetime import Summary, summarise

    args = (bought.customers, bought.days, bought.amounts)
    whole = summarise(*args, today=bought.today, count=len(bought.ids))
    buyers = whole.age >= 0
    assert whole.money is not None
    summary = Summary(
        whole.frequency[buyers], whole.recency[buyers], whole.age[buyers], whole.money[buyers]
    )
    return bought.ids[buyers], summary
