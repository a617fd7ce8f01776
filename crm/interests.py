"""What each customer is drawn to: categories, brands and features, by what they did, fading.

Computed chunk by chunk of customers from the timeline as of a moment. One customer after an event
is the same computation over a chunk of one, so both agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from crm import segments
from crm.ml.interests import DEEDS, Tags, strongest
from crm.models import Brand, Category, Customer, Event, Interest, Opinion, Product

MOST = 10  # tags kept of a customer
HALF_LIVES = 6  # what is older weighs under two hundredths, and is not read
CHUNK = 5_000
DEED_OF_KIND = {
    "crm.product_viewed": "viewed",
    "recommendations.product_clicked": "clicked",
    "crm.product_added": "added",
    "crm.product_wished": "wished",
    "crm.order_placed": "bought",
}
Tag = tuple[str, str]  # kind, value


@dataclass(frozen=True)
class Shelf:
    """The catalogue as tags: of each product, and by the words that name them in a chat."""

    tags: list[Tag]
    of_sku: Mapping[str, tuple[int, ...]]
    of_word: Sequence[tuple[str, int]]


def refresh(*, as_of: datetime, now: datetime) -> int:
    """Compute everybody's interests anew; return how many rows. Bounded memory."""
    shelf = _shelf()
    written = 0
    for ids in _chunks(Customer.objects.active().order_by("pk")):
        written += _write(ids, _rows(ids, shelf, as_of), now=now)
    return written


def refresh_customers(ids: Sequence[int], *, as_of: datetime, now: datetime) -> int:
    """Compute the interests of these customers anew; return how many rows."""
    return _write(ids, _rows(ids, _shelf(), as_of), now=now)


def refresh_active(*, since: datetime, now: datetime) -> int:
    """Compute anew who did something that counts since then; return how many customers."""
    deeds = Event.objects.filter(kind__in=DEED_OF_KIND, happened_at__gte=since)
    ids = list(deeds.order_by().values_list("customer_id", flat=True).distinct())
    for start in range(0, len(ids), CHUNK):
        refresh_customers(ids[start : start + CHUNK], as_of=now, now=now)
    return len(ids)


def of_customer(customer: Customer) -> list[dict[str, Any]]:
    """The strongest first, each with its name and reason. Three queries."""
    rows = list(customer.interests.order_by("-weight", "kind", "value")[:MOST])
    wanted = [row.value for row in rows]
    names: dict[Tag, Any] = {
        ("category", c.slug): c for c in Category.objects.filter(slug__in=wanted)
    }
    names |= {("brand", b.slug): b for b in Brand.objects.filter(slug__in=wanted)}
    return [{"interest": row, "name": names.get((row.kind, row.value), row.value)} for row in rows]


def _rows(ids: Sequence[int], shelf: Shelf, as_of: datetime) -> list[Interest]:
    deeds = list(_deeds(ids, shelf, as_of))
    if not deeds:
        return []
    table = np.array(deeds, dtype=float)
    found = strongest(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2].astype(np.int64),
        table[:, 3],
        half_life=settings.INTEREST_HALF_LIFE,
        most=MOST,
    )
    return [_interest(found, place, shelf, as_of) for place in range(len(found.tags))]


def _deeds(
    ids: Sequence[int], shelf: Shelf, as_of: datetime
) -> Iterator[tuple[int, int, int, float]]:
    """(customer, tag, deed, age in days) of all that these customers did within the horizon."""
    since = as_of - timedelta(days=HALF_LIVES * settings.INTEREST_HALF_LIFE)
    events = (
        Event.objects.filter(
            customer__in=ids,
            kind__in=DEED_OF_KIND,
            happened_at__gt=since,
            happened_at__lte=as_of,
        )
        .order_by()
        .values_list("customer_id", "kind", "data", "happened_at")
    )
    for customer, kind, data, at in events.iterator(chunk_size=10_000):
        deed, age = DEEDS.index(DEED_OF_KIND[kind]), _days(as_of - at)
        for sku in data.get("skus") or [data.get("sku")]:
            for tag in shelf.of_sku.get(str(sku), ()):
                yield customer, tag, deed, age
    said = Opinion.objects.filter(
        customer__in=ids, source=Opinion.Source.CHAT, at__gt=since, at__lte=as_of
    ).order_by()
    asked = DEEDS.index("asked")
    for customer, text, at in said.values_list("customer_id", "text", "at"):
        low = text.lower()
        for tag in {tag for word, tag in shelf.of_word if word in low}:
            yield customer, tag, asked, _days(as_of - at)


def _interest(found: Tags, place: int, shelf: Shelf, as_of: datetime) -> Interest:
    kind, value = shelf.tags[int(found.tags[place])]
    counts = found.counts[place].tolist()
    return Interest(
        customer_id=int(found.customers[place]),
        kind=kind,
        value=value,
        weight=round(float(found.weights[place]), 6),
        evidence={deed: n for deed, n in zip(DEEDS, counts, strict=True) if n},
        last_at=as_of - timedelta(days=float(found.youngest[place])),
        at=as_of,
    )


@transaction.atomic
def _write(ids: Sequence[int], rows: list[Interest], *, now: datetime) -> int:
    Interest.objects.filter(customer__in=ids).delete()
    Interest.objects.bulk_create(rows, batch_size=1_000)
    segments.touch(ids, *(f"interest:{kind}" for kind in Interest.Kind.values))
    return len(rows)


def _chunks(customers: Any) -> Iterator[list[int]]:
    last = 0
    while ids := list(customers.filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK]):
        yield ids
        last = ids[-1]


def _shelf() -> Shelf:
    tags: dict[Tag, int] = {}

    def place(kind: str, value: str) -> int:
        return tags.setdefault((kind, value[:64]), len(tags))

    words = []
    for kind, rows in (("category", Category.objects.all()), ("brand", Brand.objects.all())):
        for row in rows.order_by("slug"):
            number = place(kind, row.slug)
            names = {
                row.name_en.lower(),
                row.name_zh.lower(),
                *(str(a).lower() for a in row.aliases),
            }
            words += [(name, number) for name in sorted(names) if len(name) > 1]
    of_sku = {}
    products = Product.objects.order_by("sku").values_list(
        "sku", "category__slug", "brand__slug", "features"
    )
    for sku, category, brand, features in products.iterator():
        own = [place("category", category)] if category else []
        own += [place("brand", brand)] if brand else []
        own += [place("feature", str(feature)) for feature in features[:5]]
        of_sku[sku] = tuple(dict.fromkeys(own))
    return Shelf(list(tags), of_sku, words)


def _days(span: timedelta) -> float:
    return max(span.total_seconds() / 86_400, 0.0)
