"""Train what the CRM itself learns: RFM scores, clusters, lifetime value."""

import time
from typing import TYPE_CHECKING, Any

from crm import artifacts, scores, training
from crm.models import Artifact
from crm.training import Evidence, Order, TooLittleData, Trainer

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.clusters import Clusters
    from crm.ml.lifetime import Lifetime, Summary

FEWEST_BUYERS = 50
FEWEST_FOR_LIFETIME = 500
SHORTEST_FOR_LIFETIME = 180  # days from the first order to the moment
CLEARLY = 1.2  # times as much worth, before groups change in number
LATER_SHARE = 0.25  # of the days, to judge on


def train_rfm(order: Order) -> dict[str, Any]:
    """Nothing is learned: every buyer is scored as of the moment."""
    started = time.process_time()
    bought = scores.purchases(as_of=order.as_of)
    if not len(bought.ids):
        raise TooLittleData("no orders yet: nobody to score")
    sizes = scores.refresh_rfm(as_of=order.as_of, now=order.now) if order.keep else {}
    return {
        "artifact": None,
        "metrics": {"customers": sum(sizes.values()), **sizes},
        "baseline_metrics": {},
        "champion_metrics": None,
        "promoted": order.keep,
        "reason": f"{sum(sizes.values())} customers scored; there is nothing to learn",
        "rows": len(bought.days),
        "seconds": round(time.process_time() - started, 2),
    }


def train_clusters(order: Order) -> dict[str, Any]:
    """K-Means on how customers buy, against groups by money alone, in the same space.

    Judged by silhouette times stability: one huge group beside a few outliers lies well
    apart, but is another one for every sample of the customers.
    """
    from crm.ml.clusters import Clusters

    started = time.process_time()
    bought = scores.purchases(as_of=order.as_of)
    ids, features = scores.cluster_features(bought)
    if len(ids) < FEWEST_BUYERS:
        raise TooLittleData(f"{len(ids)} buyers; at least {FEWEST_BUYERS} needed to group them")
    champion = artifacts.load_serving(Clusters)
    candidate = _grouped(features, champion, seed=order.seed)
    money = features[:, scores.FEATURES.index("monetary"), None]
    by_money = Clusters(k=len(candidate.centres_), seed=order.seed).fit(money)
    report = training.conclude(
        candidate,
        Evidence(
            metric="worth",
            metrics=_apart(candidate, features, candidate.predict(features), order.seed),
            baseline=_apart(candidate, features, by_money.predict(money), order.seed),
            champion=_apart(candidate, features, champion.predict(features), order.seed)
            if champion
            else None,
            data_fingerprint=training.fingerprint(ids, features),
            rows=len(bought.days),
            seconds=time.process_time() - started,
        ),
        order,
    )
    if report["promoted"]:
        artifact = Artifact.objects.get(pk=report["artifact"])
        report["sizes"] = scores.refresh_clusters(
            candidate, artifact, as_of=order.as_of, now=order.now
        )
    return report


def train_lifetime(order: Order) -> dict[str, Any]:
    """BG/NBD and Gamma-Gamma against everybody's rate so far, judged on the last quarter."""
    from crm.ml.lifetime import Lifetime, NoPurchases

    started = time.process_time()
    bought = scores.purchases(as_of=order.as_of).recorded()
    if len(bought.ids) < FEWEST_FOR_LIFETIME or bought.today < SHORTEST_FOR_LIFETIME:
        raise TooLittleData(
            f"{len(bought.ids)} buyers over {bought.today} days; at least {FEWEST_FOR_LIFETIME} "
            f"buyers over {SHORTEST_FOR_LIFETIME} days needed"
        )
    cut = int(bought.today * (1 - LATER_SHARE))
    ids, summary = scores.lifetime_summary(bought.until(cut))
    later = _later_spend(bought, ids, cut)
    champion = artifacts.load_serving(Lifetime)
    try:
        candidate = Lifetime().fit(summary)
        final = Lifetime().fit(scores.lifetime_summary(bought)[1])
    except NoPurchases as reason:
        raise TooLittleData(f"{reason}: there is no rhythm to learn") from None
    horizon = float(bought.today - cut)
    evidence = Evidence(
        metric="spearman",
        metrics=_forecast_quality(_value(candidate, summary, horizon), later),
        baseline=_forecast_quality(_naive_value(bought.until(cut), ids, summary, horizon), later),
        champion=_forecast_quality(_value(champion, summary, horizon), later) if champion else None,
        data_fingerprint=training.fingerprint(ids, summary.frequency, summary.age),
        rows=len(bought.days),
        seconds=time.process_time() - started,
    )
    report = training.conclude(final, evidence, order)
    if report["promoted"]:
        artifact = Artifact.objects.get(pk=report["artifact"])
        scores.refresh_lifetime(final, artifact, as_of=order.as_of, now=order.now)
    return report


TRAINERS: dict[str, Trainer] = {
    "rfm": train_rfm,
    "clusters": train_clusters,
    "lifetime": train_lifetime,
}


def _grouped(features: "np.ndarray", champion: "Clusters | None", *, seed: int) -> "Clusters":
    """Groups as many as the champion has, unless another number is clearly worth more.

    Staff know their groups by name: they must not fall apart for a hair's breadth.
    """
    from crm.ml.clusters import Clusters

    fresh = Clusters(seed=seed).fit(features, previous=champion)
    if champion is None or len(fresh.centres_) == len(champion.centres_):
        return fresh
    kept = Clusters(k=len(champion.centres_), seed=seed).fit(features, previous=champion)
    worth = [_apart(one, features, one.predict(features), seed)["worth"] for one in (fresh, kept)]
    return fresh if worth[0] > CLEARLY * worth[1] else kept


def _apart(
    clusters: "Clusters", features: "np.ndarray", labels: "np.ndarray", seed: int
) -> dict[str, float]:
    import numpy as np

    from crm.ml.clusters import quality

    groups = len(np.unique(labels))
    found = quality(clusters.points(features), labels, seed=seed, k=groups)
    return {
        "silhouette": round(found.silhouette, 4),
        "stability": round(found.stability, 4),
        "worth": round(found.silhouette * found.stability, 4),
        "k": float(groups),
    }


def _later_spend(bought: scores.Purchases, ids: "np.ndarray", cut: int) -> "np.ndarray":
    """(ids,) money spent after the cut by those who had bought before it."""
    import numpy as np

    after = bought.days > cut
    spend = np.bincount(
        bought.customers[after], weights=bought.amounts[after], minlength=len(bought.ids)
    )
    return np.asarray(spend[np.searchsorted(bought.ids, ids)])


def _value(lifetime: "Lifetime", summary: "Summary", horizon: float) -> "np.ndarray":
    purchases = lifetime.expected_purchases(summary, horizon=horizon)
    value: np.ndarray = purchases * lifetime.expected_money(summary)
    return value


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
