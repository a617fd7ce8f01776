"""The one door to recommendations: chat, shop page, campaign template and REST come here.

A list is scored at the request, from what the customer did until this very moment.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from crm.models import Customer, Product
from recommendations import impressions, interactions
from recommendations.constraints import Constraints
from recommendations.models import Impression
from recommendations.popular import popular
from recommendations.reasons import Reason
from recommendations.recommended import Recommended

__all__ = ["Constraints", "Recommended", "click", "recommend", "record_impressions", "similar"]

LONGEST = 200  # products in one list
SPARE = 3  # candidates read per place in the list, so that exclusions rarely need a second look
Scored = tuple[int, float, Reason | None]


def recommend(
    customer: Customer,
    *,
    n: int = 10,
    now: datetime,
    placement: str = "",
    within: Constraints | None = None,
    exclude: Collection[int] = (),
) -> list[Recommended]:
    """Return up to n products for this customer, best first; never one they bought.

    `within` narrows the list to what was asked for, `exclude` holds product ids.
    Answers with what sells, or what is new, as long as nothing is trained.
    """
    if n < 1:
        return []
    touches = interactions.of_customer(customer, now=now)
    hidden = {touch.product_id for touch in touches if touch.kind in ("bought", "disliked")}
    if within is None:  # what nobody asked for does not insist
        hidden |= impressions.seen_too_often(customer, placement=placement, now=now)
    scored = [(pk, score, None) for pk, score in popular(now=now).ranked()]
    return _listed(
        [one for one in scored if one[0] not in hidden and one[0] not in exclude],
        n=min(n, LONGEST),
        within=within or Constraints(),
        artifact="popularity",
    )


def similar(product: Product, *, n: int = 10, now: datetime) -> list[Recommended]:
    """Return up to n products like this one, best first."""
    if n < 1:
        return []
    scored = [(pk, score, None) for pk, score in popular(now=now).ranked() if pk != product.pk]
    return _listed(scored, n=min(n, LONGEST), within=Constraints(), artifact="popularity")


def record_impressions(
    customer: Customer, recommended: Sequence[Recommended], *, placement: str, now: datetime
) -> list[Recommended]:
    """Write down that this list was shown; return it with the ids of its impressions."""
    return impressions.record(customer, recommended, placement=placement, now=now)


def click(impression_id: int, now: datetime) -> Impression | None:
    """Write down that a shown product was clicked. Twice is once."""
    return impressions.click(impression_id, now)


def _listed(
    scored: Sequence[Scored], *, n: int, within: Constraints, artifact: str
) -> list[Recommended]:
    chosen = _eligible(scored, n=n, within=within)
    return [
        _line(product, rank, one, within, artifact)
        for rank, (product, one) in enumerate(chosen, start=1)
    ]


def _eligible(
    scored: Sequence[Scored], *, n: int, within: Constraints
) -> list[tuple[Product, Scored]]:
    """The first n that are for sale and satisfy what was asked. One query, rarely two."""
    reach = len(scored) if within.is_narrow else SPARE * n + 20
    found = _matching(scored[:reach], within)
    if len(found) < n and reach < len(scored):
        found += _matching(scored[reach:], within)
    return found[:n]


def _matching(scored: Sequence[Scored], within: Constraints) -> list[tuple[Product, Scored]]:
    products = Product.objects.filter(within.as_query(), pk__in=[one[0] for one in scored])
    products = products.exclude(within.unwanted()).select_related("category", "brand")
    by_id = {product.pk: product for product in products if within.allows_options(product)}
    return [(by_id[one[0]], one) for one in scored if one[0] in by_id]


def _line(
    product: Product, rank: int, scored: Scored, within: Constraints, artifact: str
) -> Recommended:
    _, score, reason = scored
    reason = reason or _plain_reason(product, score)
    asked = within.matched(product)
    if asked:
        because = {"code": reason.code, "evidence": reason.evidence}
        reason = Reason("asked", {"asked": asked, "because": because})
    return Recommended(
        product=product,
        score=score,
        rank=rank,
        reason_code=reason.code,
        evidence=reason.evidence,
        artifact=artifact,
    )


def _plain_reason(product: Product, buyers: float) -> Reason:
    if buyers <= 0:
        return Reason("in_stock")
    if product.category is None:
        return Reason("popular", {"buyers": int(buyers)})
    names = {"en": product.category.name_en, "zh": product.category.name_zh}
    return Reason("popular_in", {"category": names, "buyers": int(buyers)})
