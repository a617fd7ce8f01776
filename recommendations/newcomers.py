"""Products that came after the training: scored by the products most like them.

The artifact knows nothing of them. What is alike is what looks alike, where pictures tell; else
what stands in the same category, of the same brand rather than of another. A newcomer scores a
little less than the mean of those.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from crm.models import Product
from crm.prepared import Prepared
from recommendations import looks
from recommendations.ranking import Ranking, Scored

Kind = tuple[int | None, int | None]  # category, brand
MOST = 50  # the newest
SHARE = 5  # of so many places in a list one may be a newcomer's
LOOKED_AT = 5  # products that look most like a newcomer
DOUBT = 0.9  # of the mean of what is alike


def scored(ranked: Ranking, newest: int, *, without: set[int]) -> list[Scored]:
    """Newcomers with the scores of what is alike, best first; nothing is alike: the lowest of all.

    newest: the highest id that has a score of its own. One query, three where there are newcomers.
    """
    rows = [row for row in NEWEST.rows(newest=newest) if row[0] not in without]
    if not rows:
        return []
    alike = _alike(ranked, {category for _, category, _ in rows if category is not None})
    lowest = float(ranked.scores.min())
    found, gallery = [], looks.gallery()
    for pk, category, brand in rows:
        own = _looking_alike(ranked, gallery, pk) or alike[category, brand] or alike[category, None]
        found.append((pk, DOUBT * sum(own) / len(own) if own else lowest))
    return sorted(found, key=lambda one: -one[1])


def among(listed: Sequence[Scored], newcomers: Sequence[Scored]) -> list[Scored]:
    """The list with the best newcomers at the places that their scores earn, but not the first."""
    most = len(listed) // SHARE
    merged = list(listed)
    for product, score in newcomers[:most]:
        place = next((n for n, one in enumerate(merged) if n and one[1] < score), None)
        if place is not None:
            merged.insert(place, (product, score))
            merged.pop()
    return merged


def _looking_alike(ranked: Ranking, gallery: looks.Gallery, newcomer: int) -> list[float]:
    """Scores of the few known products whose pictures are most like the newcomer's."""
    scores = (ranked.score(pk) for pk, _ in gallery.alike(newcomer))
    return list(islice((score for score in scores if score is not None), LOOKED_AT))


def _alike(
    ranked: Ranking, categories: set[int]
) -> dict[tuple[int | None, int | None], list[float]]:
    """Scores by category and brand, and by category alone."""
    alike: dict[tuple[int | None, int | None], list[float]] = defaultdict(list)
    for pk, category, brand in _about(Product.objects.filter(category__in=categories)):
        score = ranked.score(pk)
        if score is not None:
            alike[category, None].append(score)
            if brand is not None:
                alike[category, brand].append(score)
    return alike


def _about(products: QuerySet[Product]) -> Any:
    return products.values_list("pk", "category_id", "brand_id")


NEWEST = Prepared(
    lambda newest: _about(Product.objects.filter(pk__gt=newest).order_by("-pk"))[:MOST], newest=int
)
