"""Train the groups of customers who buy alike."""

import time
from typing import TYPE_CHECKING, Any

from crm import artifacts, scores, training
from crm.models import Artifact
from crm.training import Evidence, Order, TooLittleData

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.clusters import Clusters


FEWEST_BUYERS = 50
CLEARLY = 1.2  # times as much worth, before groups change in number


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
