"""What the demo shop showed in its lists lately, and what of it was clicked.

What sells stands mostly on top, and the top is looked at most: a click further down says more.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np

from crm import timeline
from crm.models import Customer, OrderLine
from marketing.demo.catalogue import Shelf
from marketing.demo.people import Crowd
from recommendations.events import ProductClicked, ProductsShown
from recommendations.models import Impression

SOURCE = "demo"
DAYS = 28
LENGTH = 8
PLACES = {"home": 0.6, "cart": 0.2, "chat": 0.2}
# How fast looking fades along a list: a chat shows few at once, a page is scrolled.
FADES = {"home": 1.4, "cart": 1.0, "chat": 0.6}
EAGER = 0.55  # chance to click what suits best, on top


def shown(crowd: Crowd, shelf: Shelf, *, now: datetime, rng: np.random.Generator) -> int:
    """Show lists to who was there in the last weeks; return how many."""
    popular = _popularity(shelf)
    rows: list[list[Impression]] = []
    for index, customer in enumerate(crowd.people):
        if customer.last_seen_at < now - timedelta(days=DAYS):
            continue
        suits = _suits(crowd, shelf, index)
        for _ in range(int(rng.integers(1, 4))):
            rows.append(_list(customer, shelf, (popular, suits), now=now, rng=rng))
    Impression.objects.bulk_create([row for one in rows for row in one], batch_size=500)
    entries = [entry for one in rows for entry in _facts(one)]
    timeline.record_many(entries, received_at=now, announce=False)
    return len(rows)


def _popularity(shelf: Shelf) -> np.ndarray:
    """(products,) logarithm of how often each was sold, one for never."""
    sold = dict.fromkeys((product.pk for product in shelf.products), 1)
    for product in OrderLine.objects.values_list("product_id", flat=True):
        sold[product] += 1
    return np.asarray(np.log([sold[product.pk] for product in shelf.products]))


def _suits(crowd: Crowd, shelf: Shelf, index: int) -> np.ndarray:
    """(products,) how well each suits this customer, 0 to 1: their category, price and brand."""
    closeness = np.exp(-(((shelf.level - crowd.level[index]) / 0.22) ** 2))
    loyal = shelf.brand == crowd.brand[index]
    likes = crowd.wants[index][shelf.category] * (0.1 + closeness * (1 + 1.5 * loyal))
    return np.asarray(np.sqrt(likes / likes.max()))


def _list(
    customer: Customer,
    shelf: Shelf,
    worth: tuple[np.ndarray, np.ndarray],
    *,
    now: datetime,
    rng: np.random.Generator,
) -> list[Impression]:
    """What sells, with much chance, and what of it was clicked."""
    popular, suits = worth
    placement = str(rng.choice(list(PLACES), p=list(PLACES.values())))
    since = max(customer.first_seen_at, now - timedelta(days=DAYS))
    at = since + (now - timedelta(minutes=10) - since) * float(rng.random())
    best = np.argsort(-(popular + rng.gumbel(size=len(popular))))[:LENGTH]
    looked_at = 1.0 / np.log2(np.arange(2, LENGTH + 2)) ** FADES[placement]
    clicked = rng.random(LENGTH) < EAGER * suits[best] * looked_at
    return [
        Impression(
            customer=customer,
            product=shelf.products[product],
            placement=placement,
            position=position,
            artifact="popularity",
            reason_code="popular_in",
            score=float(popular[product]),
            propensity=None,  # drawn by chance, which nobody wrote down
            shown_at=at,
            clicked_at=at + timedelta(seconds=20 * position) if clicked[position - 1] else None,
        )
        for position, product in enumerate(best, start=1)
    ]


def _facts(rows: list[Impression]) -> list[timeline.Entry]:
    first = rows[0]
    told = ProductsShown(
        placement=first.placement,
        artifact=first.artifact,
        skus=tuple(row.product.sku for row in rows),
        impressions=tuple(row.pk for row in rows),
    )
    return [_entry(first, told, first.shown_at)] + [
        _entry(row, _click(row), row.clicked_at) for row in rows if row.clicked_at
    ]


def _click(row: Impression) -> ProductClicked:
    return ProductClicked(
        impression_id=row.pk, placement=row.placement, position=row.position, sku=row.product.sku
    )


def _entry(row: Impression, fact: ProductsShown | ProductClicked, at: datetime) -> timeline.Entry:
    return timeline.Entry(
        customer_id=row.customer_id,
        kind=fact.kind,
        data=asdict(fact),
        happened_at=at,
        message_id=f"{fact.kind}:{row.pk}",
        source=SOURCE,
    )
