"""What customers say this week beside the weeks before: feelings, aspects, topics, examples."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Count, Q

from crm.ml.rising import Change, changes
from crm.ml.topics import Topic, risen, topics
from crm.models import Aspect, Mention, Opinion

WEEK = timedelta(days=7)
WEEKS = 12  # on the chart
BEFORE = 8  # weeks to compare with
TOPICS = 12
READ = 4_000  # newest texts of one language that topics are made of
LEVEL = 0.05
FEWEST = 5  # times this week, before anything is called a trend
QUOTED = 3


@dataclass(frozen=True)
class Quote:
    text: str
    label: str
    customer_id: int
    customer: str
    at: datetime


@dataclass
class Trend:
    """An aspect or a topic: how it moved, how it is felt about, and who says so."""

    key: str  # slug of the aspect, or the phrase
    name: str
    change: Change
    blame: Change
    feelings: Mapping[str, int]  # of the weeks of the comparison and this one
    quotes: list[Quote] = field(default_factory=list)

    @property
    def is_rising(self) -> bool:
        return self.change.p < LEVEL and self.change.now >= FEWEST

    @property
    def is_blamed_more(self) -> bool:
        return self.blame.p < LEVEL and self.blame.now >= FEWEST

    @property
    def news(self) -> bool:
        return self.is_rising or self.is_blamed_more

    def share(self, label: str) -> float:
        total = sum(self.feelings.values())
        return self.feelings.get(label, 0) / total if total else 0.0


def by_week(now: datetime) -> list[tuple[datetime, dict[str, int]]]:
    """Opinions of each of the last weeks by feeling, oldest first. One query."""
    bounds = [now - WEEK * n for n in range(WEEKS, -1, -1)]
    columns = {
        f"{label}_{n}": Count("pk", filter=Q(at__gt=start, at__lte=end, label=label))
        for n, (start, end) in enumerate(zip(bounds, bounds[1:], strict=False))
        for label in ("pos", "neu", "neg")
    }
    found = Opinion.objects.filter(at__gt=bounds[0], at__lte=now).aggregate(**columns)
    return [
        (start, {label: found[f"{label}_{n}"] for label in ("pos", "neu", "neg")})
        for n, start in enumerate(bounds[:-1])
    ]


def aspects(now: datetime) -> list[Trend]:
    """Every active aspect, what is news first. Four queries."""
    of_now, of_before = _texts(now)
    rows = list(
        Mention.objects.filter(at__gt=now - WEEK * (BEFORE + 1), at__lte=now)
        .values("aspect")
        .annotate(
            now=Count("pk", filter=Q(at__gt=now - WEEK)),
            before=Count("pk", filter=Q(at__lte=now - WEEK)),
            blame_now=Count("pk", filter=Q(at__gt=now - WEEK, label="neg")),
            blame_before=Count("pk", filter=Q(at__lte=now - WEEK, label="neg")),
            pos=Count("pk", filter=Q(label="pos")),
            neg=Count("pk", filter=Q(label="neg")),
            neu=Count("pk", filter=Q(label="neu")),
        )
        .order_by("aspect")
    )
    names = {aspect.slug: str(aspect) for aspect in Aspect.objects.all()}
    figures = {key: np.array([row[key] for row in rows]) for key in ("now", "before", "blame_now", "blame_before")}  # fmt: skip  # noqa: E501
    moved, blamed = _tested(figures, of_now, of_before)
    found = [
        Trend(
            row["aspect"],
            names.get(row["aspect"], row["aspect"]),
            change,
            blame,
            {label: row[label] for label in ("pos", "neu", "neg")},
        )
        for row, change, blame in zip(rows, moved, blamed, strict=True)
    ]
    _quote_aspects(found, now)
    return sorted(found, key=lambda t: (not t.news, -t.change.now, t.key))


def told_topics(now: datetime) -> list[Trend]:
    """Topics of the texts themselves, per language, what is news first. Two queries."""
    found: list[Trend] = []
    for language in ("zh", "en"):
        said = list(
            Opinion.objects.filter(at__gt=now - WEEK * (BEFORE + 1), at__lte=now, language=language)
            .select_related("customer")
            .order_by("-at", "-pk")[:READ]
        )
        found += _topics_of(said, now)
    return sorted(found, key=lambda t: (not t.news, -t.change.now, t.key))[:TOPICS]


def _topics_of(said: Sequence[Opinion], now: datetime) -> list[Trend]:
    """What rose phrase by phrase first; the rest in groups."""
    texts = [one.text for one in said]
    recent = np.array([one.at > now - WEEK for one in said], dtype=bool)
    first = risen(texts, recent, level=LEVEL, fewest=FEWEST)
    told = {int(place) for topic in first for place in topic.texts}
    rest = np.array([place for place in range(len(texts)) if place not in told], dtype=int)
    grouped = topics([texts[i] for i in rest], count=TOPICS)
    groups = first + [replace(topic, texts=rest[topic.texts]) for topic in grouped]
    if not groups:
        return []
    angry = np.array([one.label == "neg" for one in said])
    figures = {
        "now": np.array([recent[g.texts].sum() for g in groups]),
        "before": np.array([(~recent[g.texts]).sum() for g in groups]),
        "blame_now": np.array([(recent & angry)[g.texts].sum() for g in groups]),
        "blame_before": np.array([(~recent & angry)[g.texts].sum() for g in groups]),
    }
    moved, blamed = _tested(figures, int(recent.sum()), int((~recent).sum()))
    return [
        _topic(group, change, blame, [said[i] for i in group.texts])
        for group, change, blame in zip(groups, moved, blamed, strict=True)
    ]


def _topic(group: Topic, change: Change, blame: Change, own: Sequence[Opinion]) -> Trend:
    if group.p is not None:  # picked because it rose: the chance is that of the picking
        change = replace(change, p=group.p)
    return Trend(
        key=group.phrases[0],
        name=("、" if own[0].language == "zh" else ", ").join(group.phrases),
        change=change,
        blame=blame,
        feelings=Counter(one.label for one in own),
        quotes=_quotes(own),
    )


def _tested(
    figures: Mapping[str, np.ndarray], of_now: int, of_before: int
) -> tuple[list[Change], list[Change]]:
    """Mentions and blame are tested together: the more is looked at, the more must be shown."""
    tests = changes(
        np.concatenate([figures["now"], figures["blame_now"]]),
        np.concatenate([figures["before"], figures["blame_before"]]),
        of_now=of_now,
        of_before=of_before,
    )
    half = len(tests) // 2
    return tests[:half], tests[half:]


def _texts(now: datetime) -> tuple[int, int]:
    found = Opinion.objects.filter(at__gt=now - WEEK * (BEFORE + 1), at__lte=now).aggregate(
        now=Count("pk", filter=Q(at__gt=now - WEEK)),
        before=Count("pk", filter=Q(at__lte=now - WEEK)),
    )
    return found["now"], found["before"]


def _quote_aspects(trends: Sequence[Trend], now: datetime) -> None:
    """The newest of this week for each aspect: what is felt more strongly than neutral first."""
    newest = (
        Mention.objects.filter(at__gt=now - WEEK, at__lte=now)
        .exclude(label="neu")
        .select_related("opinion", "customer")
        .order_by("-at", "-pk")[:500]
    )
    said: dict[str, list[Opinion]] = defaultdict(list)
    for mention in newest:
        mention.opinion.customer = mention.customer
        mention.opinion.label = mention.label
        said[mention.aspect].append(mention.opinion)
    for trend in trends:
        own = said[trend.key]
        if trend.is_blamed_more:
            own = [one for one in own if one.label == "neg"]
        trend.quotes = _quotes(own)


def _quotes(said: Sequence[Opinion]) -> list[Quote]:
    """Different texts, the newest first."""
    found: dict[str, Quote] = {}
    for one in sorted(said, key=lambda o: (o.at, o.pk), reverse=True):
        text = one.text if len(one.text) <= 160 else one.text[:159] + "…"
        quote = Quote(text, one.label, one.customer_id, str(one.customer), one.at)
        found.setdefault(text, quote)
        if len(found) == QUOTED:
            break
    return list(found.values())
