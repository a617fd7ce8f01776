"""Train when customers order next, judged on the orders that came."""

import time
from typing import TYPE_CHECKING, Any

from crm import artifacts, scores, training
from crm.models import Artifact
from crm.trainers import purchases
from crm.training import Evidence, Order, TooLittleData

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.next_order import NextOrder, Pauses

FEWEST_BUYERS = 500
SHORTEST = 180  # days from the first order to the moment
LATER_SHARE = 0.25  # of the days, to judge on


def train_next_order(order: Order) -> dict[str, Any]:
    """A rhythm of one's own against the pauses of everybody, on the last quarter of the days."""
    from crm.ml.next_order import NextOrder, NoPauses

    started = time.process_time()
    bought = purchases.enough(order, buyers=FEWEST_BUYERS, days=SHORTEST)
    cut = int(bought.today * (1 - LATER_SHARE))
    seen, days = _came(bought, cut)
    try:
        candidate = _learned(bought.until(cut))
        final = _learned(bought)
        everybody = NextOrder(personal=False).fit(scores.rhythm(bought.until(cut))[1])
    except NoPauses as reason:
        raise TooLittleData(f"{reason}: there is no rhythm to learn") from None
    if not len(days):
        raise TooLittleData("nobody came back in the last quarter of the days: nothing to judge by")
    champion = training.again(
        artifacts.load_serving(NextOrder), candidate, lambda _: _learned(bought.until(cut))
    )
    within = float(bought.today - cut)
    evidence = Evidence(
        metric="negative_mae",
        metrics=_quality(candidate, seen, days, within),
        baseline=_quality(everybody, seen, days, within),
        champion=_quality(champion, seen, days, within) if champion else None,
        data_fingerprint=training.fingerprint(seen.total, seen.silence),
        rows=len(bought.days),
        seconds=time.process_time() - started,
    )
    report = training.conclude(final, evidence, order)
    if report["promoted"]:
        artifact = Artifact.objects.get(pk=report["artifact"])
        scores.refresh_next_order(final, artifact, as_of=order.as_of, now=order.now)
    return report


def _learned(bought: scores.Purchases) -> "NextOrder":
    """Levels by the last quarter of what is known, rhythms by all of it."""
    from crm.ml.next_order import NextOrder

    earlier = int(bought.today * (1 - LATER_SHARE))
    before = NextOrder().fit(scores.rhythm(bought.until(earlier))[1])
    seen, days = _came(bought, earlier)
    before.recalibrate(seen, days, within=float(bought.today - earlier))
    fitted = NextOrder().fit(scores.rhythm(bought)[1])
    fitted.levels_ = before.levels_
    return fitted


def _came(bought: scores.Purchases, cut: int) -> "tuple[Pauses, np.ndarray]":
    """The rhythms at a moment of those who ordered after it, and after how many days."""
    import numpy as np

    from crm.ml.next_order import Pauses

    ids, seen = scores.rhythm(bought.until(cut))
    later = (bought.days > cut) & (bought.amounts >= 0)
    first = np.full(len(bought.ids), bought.today + 1)
    np.minimum.at(first, bought.customers[later], bought.days[later])
    days = first[np.searchsorted(bought.ids, ids)] - cut
    came = days <= bought.today - cut
    columns = (seen.count, seen.total, seen.squares, seen.silence)
    return Pauses(*(column[came] for column in columns)), days[came].astype(float)


def _quality(
    estimator: "NextOrder", seen: "Pauses", days: "np.ndarray", within: float
) -> dict[str, float]:
    """negative_mae in days; covered: how many orders came within the nine-of-ten interval."""
    import numpy as np

    expected = estimator.forecast(seen, within=within)
    # Days are whole: an interval from 2.4 to 5.2 days holds the third to the sixth day.
    inside = (days >= np.floor(expected.earliest)) & (days <= np.ceil(expected.latest))
    return {
        "negative_mae": -round(float(np.abs(expected.days - days).mean()), 4),
        "covered": round(float(inside.mean()), 4),
        "customers": float(len(days)),
    }
