"""What the editor of rules offers: the parts of the language, and the names that are in use.

Names are looked for where an index finds them or among the newest rows, so that the editor
opens as fast over fifty million events as over fifty.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.models import (
    Aspect,
    Brand,
    Category,
    Channel,
    Customer,
    Event,
    Feedback,
    Mention,
    Product,
    Score,
    Segment,
    Topic,
)
from crm.segments import sentences

NEWEST = 2_000
OFFERED = 100
FRESH_FOR = 60  # seconds
Pairs = list[tuple[str, str]]


def offered() -> dict[str, Any]:
    """Names in use, by what they are for: pairs of a value and its label, or lists of values."""
    key = f"segments:choices:{get_language()}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        known = _offered()
        cache.set(key, known, FRESH_FOR)
    return known


def _offered() -> dict[str, Any]:
    properties = _properties()
    return {
        "events": _events(),
        "properties": properties,
        "intents": properties.get("chatbot.message_received", {}).get("intent", []),
        "sentiments": properties.get("chatbot.message_received", {}).get("sentiment", []),
        "traits": _traits(),
        "aspects": _aspects(),
        "feelings": [
            ("positive", _("positive")),
            ("neutral", _("neutral")),
            ("negative", _("negative")),
        ],
        "interests": sorted({*_names(Category), *_names(Brand)})[:OFFERED],
        "scores": _scores(),
        "labels": _labels(),
        "countries": _newest(Customer.objects.exclude(country=""), "country"),
        "segments": [(s.slug, str(s)) for s in Segment.objects.order_by("kind", "pk")[:500]],
        "topics": [(t.slug, str(t)) for t in Topic.objects.order_by("pk")[:OFFERED]],
        "categories": [(c.slug, str(c)) for c in Category.objects.order_by("pk")[:OFFERED]],
        "brands": [(b.slug, str(b)) for b in Brand.objects.order_by("pk")[:OFFERED]],
        "products": [(p.sku, str(p)) for p in Product.objects.order_by("pk")[:OFFERED]],
        "channels": [(value, str(label)) for value, label in Channel.choices],
        "feedback": [("any", _("any feedback"))]
        + [(value, str(label)) for value, label in Feedback.Kind.choices],
        "languages": [(value, str(label)) for value, label in Customer.Language.choices],
        "fields": [(name, _(text)) for name, text in sentences.FIELDS.items()],
    }


def _names(model: type[Category] | type[Brand]) -> Pairs:
    return [(row.slug, str(row)) for row in model.objects.order_by("pk")[:OFFERED]]


def _aspects() -> Pairs:
    names = {aspect.slug: str(aspect) for aspect in Aspect.objects.all()}
    return [(slug, names.get(slug, slug)) for slug in _distinct(Mention.objects.all(), "aspect")]


def _distinct(rows: QuerySet[Any], column: str) -> list[str]:
    """The values of a column that leads an index, one look-up each."""
    found: list[str] = []
    while len(found) < OFFERED:
        later = rows.filter(**{f"{column}__gt": found[-1]}) if found else rows
        value = later.order_by(column).values_list(column, flat=True).first()
        if value is None:
            break
        found.append(value)
    return found


def _events() -> Pairs:
    seen = _distinct(Event.objects.all(), "kind")
    known = [*seen, *(kind for kind in sentences.EVENTS if kind not in seen)]
    return [
        (kind, _(sentences.EVENTS[kind]) if kind in sentences.EVENTS else kind) for kind in known
    ]


def _properties() -> dict[str, dict[str, list[str]]]:
    """What the newest events carry: values of each property of each kind, texts only."""
    found: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for kind, data in Event.objects.order_by("-pk").values_list("kind", "data")[:NEWEST]:
        for name, value in data.items():
            values = found[kind][name]
            if isinstance(value, str) and len(value) <= 40 and len(values) < 30:
                values[value] = None
    return {
        kind: {name: sorted(values) for name, values in names.items()}
        for kind, names in found.items()
    }


def _traits() -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for traits in Customer.objects.order_by("-pk").values_list("traits", flat=True)[:NEWEST]:
        for name, value in _flat(traits):
            if len(found) < OFFERED or name in found:
                values = found[name]
                if isinstance(value, str) and len(value) <= 40 and len(values) < 30:
                    values[value] = None
    return {name: sorted(values) for name, values in sorted(found.items())}


def _flat(traits: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The traits, those inside others by their path."""
    found: list[tuple[str, Any]] = []
    for name, value in traits.items():
        if isinstance(value, Mapping):
            found += [(f"{name}.{inner}", deep) for inner, deep in value.items()]
        else:
            found.append((name, value))
    return found


def _scores() -> Pairs:
    known = sentences.SCORES
    return [(s, _(known[s]) if s in known else s) for s in _distinct(Score.objects.all(), "name")]


def _labels() -> dict[str, Pairs]:
    """The labels of each score, named as the segments are that they make."""
    names = {
        (s.rule.get("score"), s.rule.get("label")): str(s)
        for s in Segment.objects.filter(kind__in=[Segment.Kind.LABEL, Segment.Kind.CLUSTER])
    }
    found = {}
    for score, _label in _scores():
        labels = _distinct(Score.objects.filter(name=score).exclude(label=""), "label")
        found[score] = [(label, names.get((score, label), label)) for label in labels]
    return found


def _newest(rows: QuerySet[Any], column: str) -> list[str]:
    some = rows.order_by("-pk").values_list(column, flat=True)[:NEWEST]
    return sorted(set(some))[:OFFERED]
