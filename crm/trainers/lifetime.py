"""Train the value to come."""

import time
from typing import TYPE_CHECKING, Any

from crm import artifacts, scores, training
from crm.models import Artifact
from crm.trainers import purchases
from crm.training import Evidence, Order, TooLittleData

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.blended import Blended
    from crm.ml.lifetime import Summary


FEWEST_FOR_LIFETIME = 500
SHORTEST_FOR_LIFETIME = 180  # days from the first order to the moment
LATER_SHARE = 0.25  # of the days, to judge on
MONTH = 30


def train_lifetime(order: Order) -> dict[str, Any]:
    """Both ways to the value to come against everybody's rate, judged on the last quarter."""
    from crm.ml.lifetime import NoPurchases

    started = time.process_time()
    bought = purchases.enough(order, buyers=FEWEST_FOR_LIFETIME, days=SHORTEST_FOR_LIFETIME)
    cut = int(bought.today * (1 - LATER_SHARE))
    try:
        candidate = _learned(bought.until(cut), order.seed)
        final = _learned(bought, order.seed)
    except NoPurchases as reason:
        raise TooLittleData(f"{reason}: there is no rhythm to learn") from None
    report = training.conclude(final, _evidence(candidate, bought, cut, started), order)
    if report["promoted"]:
        artifact = Artifact.objects.get(pk=report["artifact"])
        scores.refresh_lifetime(final, artifact, as_of=order.as_of, now=order.now)
    return report


def _learned(bought: scores.Purchases, seed: int) -> "Blended":
    """Fitted on all that was bought, and taught by the last quarter of its days."""
    from crm.ml.blended import Blended

    earlier = int(bought.today * (1 - LATER_SHARE))
    ids, before = scores.lifetime_summary(bought.until(earlier))
    _, now = scores.lifetime_summary(bought)
    spent = _later_spend(bought, ids, earlier)
    return Blended(seed=seed).fit(now).learn(before, spent, horizon=float(bought.today - earlier))


def _evidence(candidate: "Blended", bought: scores.Purchases, cut: int, started: float) -> Evidence:
    from crm.ml.blended import Blended

    ids, summary = scores.lifetime_summary(bought.until(cut))
    later, horizon = _later_spend(bought, ids, cut), float(bought.today - cut)
    champion = training.again(
        artifacts.load_serving(Blended),
        candidate,
        lambda settings: _learned(bought.until(cut), settings["seed"]),
    )
    expected = candidate.value(summary, horizon=horizon)
    first_way = candidate.lifetime_
    alone = first_way.expected_purchases(summary, horizon=horizon)
    alone = alone * first_way.expected_money(summary)
    naive = _naive_value(bought.until(cut), ids, summary, horizon)
    return Evidence(
        metric="spearman",
        metrics=_forecast_quality(expected, later),
        baseline=_forecast_quality(naive, later),
        champion=_forecast_quality(champion.value(summary, horizon=horizon), later)
        if champion
        else None,
        data_fingerprint=training.fingerprint(ids, summary.frequency, summary.age),
        rows=len(bought.days),
        seconds=time.process_time() - started,
        backtest={
            "kind": "value",
            "days": int(horizon),
            "trust_in_boosting": candidate.trust_,
            "covered": _covered(candidate, summary, later, horizon),
            "months": _by_month(candidate, bought, cut),
            "peers": {
                "blended": _forecast_quality(expected, later),
                "bg_nbd_gamma_gamma": _forecast_quality(alone, later),
                "rate_so_far": _forecast_quality(naive, later),
            },
        },
    )


def _covered(
    candidate: "Blended", summary: "Summary", later: "np.ndarray", horizon: float
) -> float:
    """How many customers spent what their interval said."""
    import numpy as np

    rng = np.random.default_rng(candidate.seed)
    forecast = candidate.forecast(summary, horizon=horizon, rng=rng)
    inside = (later >= forecast.lower - 0.01) & (later <= forecast.upper + 0.01)
    return round(float(inside.mean()), 4)


def _by_month(candidate: "Blended", bought: scores.Purchases, cut: int) -> list[dict[str, Any]]:
    """Money expected and spent in every thirty days of the later part."""
    import numpy as np

    ids, summary = scores.lifetime_summary(bought.until(cut))
    found: list[dict[str, Any]] = []
    before = 0.0
    for end in range(cut + MONTH, bought.today + 1, MONTH):
        reach = candidate.value(summary, horizon=float(end - cut)).sum()
        inside = (bought.days > end - MONTH) & (bought.days <= end)
        known = np.isin(bought.ids[bought.customers[inside]], ids)
        spent = float(bought.amounts[inside][known].sum())
        found.append(
            {"month": len(found) + 1, "expected": round(reach - before, 2), "actual": spent}
        )
        before = float(reach)
    return found


def _later_spend(bought: scores.Purchases, ids: "np.ndarray", cut: int) -> "np.ndarray":
    """(ids,) money spent after the cut by those who had bought before it."""
    import numpy as np

    after = bought.days > cut
    spend = np.bincount(
        bought.customers[after], weights=bought.amounts[after], minlength=len(bought.ids)
    )
    return np.asarray(spend[np.searchsorted(bought.ids, ids)])


def _naive_value(
    bought: scores.Purchases, ids: "np.ndarray", summary: "Summary", horizon: float
) -> "np.ndarray":
    """Everybody goes on spending at the rate of their time with us so far."""
    import numpy as np

    spend = np.bincount(bought.customers, weights=bought.amounts, minlength=len(bought.ids))
    mine = spend[np.searchsorted(bought.ids, ids)]
    return np.asarray(mine / np.maximum(summary.age, 1) * horizon)


def _forecast_quality(expected: "np.ndarray", later: "np.ndarray") -> dict[str, float]:
    import numpy as np
    from scipy.stats import spearmanr

    varied = np.ptp(expected) > 0 and np.ptp(later) > 0
    rank = float(spearmanr(expected, later).statistic) if varied else 0.0
    return {
        "spearman": round(rank, 4),
        "mae": round(float(np.abs(expected - later).mean()), 4),
        "total_ratio": round(float(expected.sum() / max(later.sum(), 1e-9)), 4),
    }
