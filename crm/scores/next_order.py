"""When each customer who came back before orders next, if they do."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm.models import Artifact
from crm.scores.bought import Purchases, purchases
from crm.scores.writing import Maker, Scored, by_rows, write

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.next_order import NextOrder, Pauses

HORIZON = 365  # days: an order later than that is not foretold
DAY = timedelta(days=1)


def refresh_next_order(
    estimator: "NextOrder", artifact: Artifact, *, as_of: datetime, now: datetime
) -> int:
    """Write the days until the next order of whoever has a rhythm; return how many."""
    ids, seen = rhythm(purchases(as_of=as_of))
    expected = estimator.forecast(seen, within=HORIZON)
    columns = (
        expected.days, expected.earliest, expected.latest, estimator.usual(seen),
        seen.count, seen.silence,
    )  # fmt: skip
    rows = (
        Scored(pk, round(days, 2), _detail(as_of, days, *rest))
        for pk, days, *rest in by_rows(ids, *columns)
    )
    return write("next_order", rows, by=Maker.trained(artifact, at=now))


def rhythm(bought: Purchases) -> "tuple[np.ndarray, Pauses]":
    """Ids and pauses of those with at least one pause, who bought within the horizon."""
    from crm.ml.next_order import Pauses, pauses

    paid = bought.amounts >= 0  # a refund is no purchase
    args = (bought.customers[paid], bought.days[paid])
    whole = pauses(*args, today=bought.today, count=len(bought.ids))
    kept = (whole.count > 0) & (whole.silence <= HORIZON)
    columns = (whole.count, whole.total, whole.squares, whole.silence)
    return bought.ids[kept], Pauses(*(column[kept] for column in columns))


def _detail(  # noqa: PLR0913  (the columns, in their order)
    as_of: datetime, days: float, earliest: float, latest: float, usual: float, count: int,
    silence: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "date": (as_of + days * DAY).date().isoformat(),
        "lower": (as_of + earliest * DAY).date().isoformat(),
        "upper": (as_of + latest * DAY).date().isoformat(),
        "usual_pause": round(usual, 1),
        "pauses": count,
        "silence": silence,
    }
