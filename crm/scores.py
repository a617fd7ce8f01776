"""What we know of each customer in numbers: RFM, cluster, lifetime value, and who belongs where.

Everything is computed set by set as of a moment, never customer by customer. A label of a score
is also a segment: its members are the customers whose newest score carries the label.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.text import slugify

from crm.ml import rfm
from crm.models import Artifact, Customer, Membership, Order, Score, Segment

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.clusters import Clusters, Portrait, Words
    from crm.ml.lifetime import Lifetime

BATCH = 2_000
YEAR, QUARTER = 365.0, 90.0  # days
RFM_VERSION = "rfm-1"
FEATURES = ("recency", "frequency", "monetary", "order_value", "tenure")


@dataclass(frozen=True)
class Purchases:
    """Orders until a moment; refunds are negative. Days are whole, counted from the first.

    ids: (customers,) of everybody who ordered, ascending; the rest (orders,).
    """

    ids: "np.ndarray"
    customers: "np.ndarray"
    days: "np.ndarray"
    amounts: "np.ndarray"
    today: int

    def until(self, day: int) -> "Purchases":
        """The same customers, seen at the end of an earlier day."""
        kept = self.days <= day
        return Purchases(self.ids, self.customers[kept], self.days[kept], self.amounts[kept], day)

    def recorded(self) -> "Purchases":
        """Seen at the end of the last day with an order: later silence is of the records."""
        return self.until(int(self.days.max(initial=0)))


def purchases(*, as_of: datetime) -> Purchases:
    """Read all orders that count, until the moment. One query."""
    import numpy as np

    rows = (
        Order.objects.revenue()
        .filter(placed_at__lte=as_of, customer__merged_into=None)
        .values_list("customer_id", "placed_at", "total")
    )
    table = np.array(
        [(pk, _day(at), float(total)) for pk, at, total in rows.iterator(chunk_size=20_000)],
        dtype=float,
    ).reshape(-1, 3)
    ids, customers = np.unique(table[:, 0].astype(np.int64), return_inverse=True)
    days = table[:, 1].astype(np.int64)
    first = int(days.min()) if len(days) else _day(as_of)
    return Purchases(ids, customers, days - first, table[:, 2], _day(as_of) - first)


def refresh_rfm(*, as_of: datetime, now: datetime) -> dict[str, int]:
    """Score every buyer, bring the label segments up to date; return their sizes by label."""
    bought = purchases(as_of=as_of)
    values = rfm.values(
        bought.customers, bought.days, bought.amounts, today=bought.today, count=len(bought.ids)
    )
    buyers = values.frequency > 0
    values = rfm.Values(values.recency[buyers], values.frequency[buyers], values.monetary[buyers])
    scores = rfm.score(values)
    columns = (values.recency, values.frequency, values.monetary, scores.r, scores.f, scores.m)
    names = ("recency", "frequency", "monetary", "r", "f", "m")
    details = zip(*(column.tolist() for column in columns), strict=True)
    rows = (
        Score(
            customer_id=pk,
            name="rfm",
            value=score,
            label=rfm.SLUGS[label],
            detail=dict(zip(names, detail, strict=True)),
            version=RFM_VERSION,
            at=now,
        )
        for pk, score, label, detail in zip(
            bought.ids[buyers].tolist(),
            scores.score.tolist(),
            scores.label.tolist(),
            details,
            strict=True,
        )
    )
    _write("rfm", rows, now=now)
    return _fill("rfm", {label.slug: _label_segment(label) for label in rfm.LABELS}, now=now)


def refresh_clusters(
    clusters: "Clusters", artifact: Artifact, *, as_of: datetime, now: datetime
) -> dict[str, int]:
    """Put every buyer into the nearest cluster; return the sizes of the cluster segments."""
    from crm.ml.clusters import portraits

    ids, features = cluster_features(purchases(as_of=as_of))
    if not len(ids):
        return {}
    labels = clusters.predict(features)
    rows = (
        Score(
            customer_id=pk,
            name="cluster",
            value=float(label),
            label=f"cluster-{label}",
            detail=dict(zip(FEATURES, values, strict=True)),
            version=f"{artifact.name}#{artifact.pk}",
            artifact=artifact,
            at=now,
        )
        for pk, label, values in zip(
            ids.tolist(), labels.tolist(), features.round(2).tolist(), strict=True
        )
    )
    _write("cluster", rows, now=now)
    named = portraits(clusters.points(features), labels, FEATURES, words())
    kept = {
        f"cluster-{label}": _cluster_segment(label, portrait, artifact)
        for label, portrait in named.items()
    }
    _drop_clusters(kept)
    return _fill("cluster", kept, now=now)


def refresh_lifetime(
    lifetime: "Lifetime", artifact: Artifact, *, as_of: datetime, now: datetime
) -> int:
    """Write the value to come of every buyer; return how many."""
    import numpy as np

    ids, summary = lifetime_summary(purchases(as_of=as_of).recorded())
    year = lifetime.forecast(summary, horizon=YEAR, rng=np.random.default_rng(artifact.seed))
    quarter = lifetime.expected_purchases(summary, horizon=QUARTER)
    columns = (year.value, year.lower, year.upper, year.p_alive, year.purchases, quarter)
    names = ("value", "lower", "upper", "p_alive", "purchases_365d", "purchases_90d")
    details = zip(*(column.round(4).tolist() for column in columns), strict=True)
    rows = (
        Score(
            customer_id=pk,
            name="clv",
            value=detail[0],
            detail=dict(zip(names, detail, strict=True)),
            version=f"{artifact.name}#{artifact.pk}",
            artifact=artifact,
            at=now,
        )
        for pk, detail in zip(ids.tolist(), details, strict=True)
    )
    return _write("clv", rows, now=now)


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


def words() -> "Mapping[str, Words]":
    """How to say that a feature of a cluster is high or low."""
    from crm.ml.clusters import Words

    return {
        "recency": Words("away for long", "bought lately", "久未购买", "近期购买"),
        "frequency": Words("frequent", "rare buyers", "经常购买", "很少购买"),
        "monetary": Words("high spend", "low spend", "消费高", "消费低"),
        "order_value": Words("large orders", "small orders", "客单价高", "客单价低"),
        "tenure": Words("long with us", "newcomers", "老客户", "新客户"),
    }


def _day(moment: datetime) -> int:
    return int(moment.timestamp() // timedelta(days=1).total_seconds())


def _write(name: str, rows: Iterable[Score], *, now: datetime) -> int:
    """Insert or replace the scores; whoever got none this time has none any more."""
    written = 0
    iterator = iter(rows)
    with transaction.atomic():
        while batch := list(islice(iterator, BATCH)):
            Score.objects.bulk_create(
                batch,
                update_conflicts=True,
                unique_fields=["customer", "name"],
                update_fields=["value", "label", "detail", "version", "artifact", "at"],
            )
            written += len(batch)
        Score.objects.filter(name=name).exclude(at=now).delete()
    return written


def _fill(score: str, segments: Mapping[str, Segment], *, now: datetime) -> dict[str, int]:
    """Bring the members of each segment up to date with the label of the score."""
    sizes = {}
    for label, segment in segments.items():
        labelled = Score.objects.filter(name=score, label=label)
        with transaction.atomic():
            present = Membership.objects.filter(segment=segment)
            present.exclude(customer__in=labelled.values("customer")).delete()
            missing = labelled.exclude(customer__in=present.values("customer"))
            _enter(segment, missing.values_list("customer_id", "value", "detail"), now=now)
            segment.size = sizes[label] = labelled.count()
            segment.refreshed_at = now
            segment.save()
    return sizes


def _enter(segment: Segment, rows: Any, *, now: datetime) -> None:
    members: Iterator[Membership] = (
        Membership(
            segment=segment,
            customer_id=customer,
            reason={"score": value, **detail},
            entered_at=now,
        )
        for customer, value, detail in list(rows)
    )
    while batch := list(islice(members, BATCH)):
        Membership.objects.bulk_create(batch, ignore_conflicts=True)


def _label_segment(label: rfm.Label) -> Segment:
    return _segment(
        slug=f"rfm-{slugify(label.slug.replace('_', '-'))}",
        kind=Segment.Kind.LABEL,
        names=(label.name_en, label.name_zh, label.description_en, label.description_zh),
    )


def _cluster_segment(label: int, portrait: "Portrait", artifact: Artifact) -> Segment:
    segment = _segment(
        slug=f"cluster-{label}",
        kind=Segment.Kind.CLUSTER,
        names=(
            portrait.name_en[:100],
            portrait.name_zh[:100],
            portrait.description_en,
            portrait.description_zh,
        ),
    )
    segment.artifact = artifact
    return segment


def _segment(*, slug: str, kind: str, names: tuple[str, str, str, str]) -> Segment:
    segment, _ = Segment.objects.get_or_create(
        slug=slug, defaults={"kind": kind, "name_en": names[0], "name_zh": names[1]}
    )
    segment.name_en, segment.name_zh, segment.description_en, segment.description_zh = names
    return segment


def _drop_clusters(kept: Mapping[str, Segment]) -> None:
    """A cluster that is no more has no members; its row stays, as campaigns may point at it."""
    gone = Segment.objects.filter(kind=Segment.Kind.CLUSTER).exclude(slug__in=kept)
    Membership.objects.filter(segment__in=gone).delete()
    gone.update(size=0)


def of_customer(customer: Customer) -> dict[str, Score]:
    """The newest scores of one customer by name. One query."""
    return {score.name: score for score in customer.scores.all()}
