"""The cluster of every buyer; each cluster is a segment."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from crm import segments
from crm.ml import rfm
from crm.models import Artifact, Membership, Segment
from crm.scores.bought import Purchases, purchases
from crm.scores.writing import Labelled, Maker, Scored, by_rows, fill, write

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.clusters import Clusters
    from crm.ml.portraits import Portrait, Words


FEATURES = ("recency", "frequency", "monetary", "order_value", "tenure")


def refresh_clusters(
    clusters: "Clusters", artifact: Artifact, *, as_of: datetime, now: datetime
) -> dict[str, int]:
    """Put every buyer into the nearest cluster; return the sizes of the cluster segments."""
    from crm.ml.portraits import portraits

    ids, features = cluster_features(purchases(as_of=as_of))
    if not len(ids):
        return {}
    labels = clusters.predict(features)
    rows = (
        Scored(pk, float(label), dict(zip(FEATURES, values, strict=True)), f"cluster-{label}")
        for pk, label, values in by_rows(ids, labels, features.round(2))
    )
    write("cluster", rows, by=Maker.trained(artifact, at=now))
    named = portraits(clusters.points(features), labels, FEATURES, words())
    kept = {
        f"cluster-{label}": _cluster(label, portrait, artifact) for label, portrait in named.items()
    }
    _drop_clusters(kept)
    return fill("cluster", kept, now=now)


def cluster_features(bought: Purchases) -> "tuple[np.ndarray, np.ndarray]":
    """Ids of the buyers and their (buyers, FEATURES) numbers."""
    import numpy as np

    count = len(bought.ids)
    args = (bought.customers, bought.days, bought.amounts)
    values = rfm.values(*args, today=bought.today, count=count)
    first = np.full(count, bought.today)
    np.minimum.at(first, bought.customers, bought.days)
    buyers = values.frequency > 0
    order_value = values.monetary / np.maximum(values.frequency, 1)
    columns = (*vars(values).values(), order_value, bought.today - first)
    features = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)
    return bought.ids[buyers], features[buyers]


def words() -> "Mapping[str, Words]":
    """How to say that a feature of a cluster is high or low."""
    from crm.ml.portraits import Words

    return {
        "recency": Words("away for long", "bought lately", "久未购买", "近期购买"),
        "frequency": Words("frequent", "rare buyers", "经常购买", "很少购买"),
        "monetary": Words("high spend", "low spend", "消费高", "消费低"),
        "order_value": Words("large orders", "small orders", "客单价高", "客单价低"),
        "tenure": Words("long with us", "newcomers", "老客户", "新客户"),
    }


def _cluster(label: int, portrait: "Portrait", artifact: Artifact) -> Labelled:
    return Labelled(
        f"cluster-{label}",
        portrait.name_en[:100],
        portrait.name_zh[:100],
        portrait.description_en,
        portrait.description_zh,
        kind=Segment.Kind.CLUSTER,
        artifact=artifact,
    )


def _drop_clusters(kept: Mapping[str, Labelled]) -> None:
    """A cluster that is no more has no members; its row stays, as campaigns may point at it."""
    gone = Segment.objects.filter(kind=Segment.Kind.CLUSTER).exclude(slug__in=kept)
    Membership.objects.filter(segment__in=gone).delete()
    gone.update(size=0)
    segments.touch_everybody(*(f"segment:{slug}" for slug in gone.values_list("slug", flat=True)))
