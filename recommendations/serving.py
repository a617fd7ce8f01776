"""The one door to recommendations: chat, shop page, campaign template and REST come here.

A list is scored at the request, from what the customer did until this very moment.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crm import baskets
from crm.models import Customer, Product
from recommendations import impressions, interactions, scoring
from recommendations.constraints import Constraints
from recommendations.models import Impression
from recommendations.popular import popular
from recommendations.reasons import Reason
from recommendations.recommended import Recommended

__all__ = [
    "Constraints",
    "Recommended",
    "bought_together",
    "click",
    "recommend",
    "record_impressions",
    "similar",
]

LONGEST = 200  # products in one list
SPARE = 5  # candidates per place in the list, from which variety is chosen
VARIETY = 0.97  # how much the score counts against being unlike what is already in the list
Scored = tuple[int, float]


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
    hidden |= set(exclude)
    if within is None:  # what nobody asked for does not insist
        hidden |= impressions.seen_too_often(customer, placement=placement, now=now)
    wanted = Wanted(n=min(n, LONGEST), within=within or Constraints(), hidden=hidden)
    found = scoring.personal(touches, now=now)
    return _personal(found, wanted) if found else _popular(wanted, now=now)


def similar(product: Product, *, n: int = 10, now: datetime) -> list[Recommended]:
    """Return up to n products like this one, best first."""
    if n < 1:
        return []
    wanted = Wanted(n=min(n, LONGEST), within=Constraints(), hidden={product.pk})
    found = scoring.alike(product)
    if found is None:
        return _popular(replace(wanted, within=_same_category(product)), now=now, said=False)
    chosen = _eligible(found.ranked(), wanted)
    reasons = found.reasons([one.pk for one, _ in chosen])
    return _lines(chosen, wanted, reasons, found.artifact)


def bought_together(product: Product, *, n: int = 4) -> list[Recommended]:
    """Return up to n products that baskets with this one hold, by significant rules, surest first.

    Nothing stands in for them: where no rule speaks, the list is empty.
    """
    if n < 1:
        return []
    pairs = {pair.right: pair for pair in baskets.together([product.pk], n=LONGEST)}
    wanted = Wanted(n=min(n, LONGEST), within=Constraints(), hidden={product.pk})
    chosen = _eligible([(pk, pair.confidence) for pk, pair in pairs.items()], wanted)
    titles = {"en": product.title_en, "zh": product.title_zh}
    reasons = {one.pk: _basket_reason(pairs[one.pk], titles) for one, _ in chosen}
    return _lines(chosen, wanted, reasons, baskets.artifact_name())


def record_impressions(
    customer: Customer, recommended: Sequence[Recommended], *, placement: str, now: datetime
) -> list[Recommended]:
    """Write down that this list was shown; return it with the ids of its impressions."""
    return impressions.record(customer, recommended, placement=placement, now=now)


def click(impression_id: int, now: datetime) -> Impression | None:
    """Write down that a shown product was clicked. Twice is once."""
    return impressions.click(impression_id, now)


@dataclass(frozen=True)
class Wanted:
    """How many products, of what kind, and which not."""

    n: int
    within: Constraints
    hidden: set[int]


def _personal(found: scoring.Personal, wanted: Wanted) -> list[Recommended]:
    spare = wanted if wanted.within.is_narrow else replace(wanted, n=SPARE * wanted.n)
    chosen = _eligible(found.ranked(), spare)
    if not wanted.within.is_narrow:
        chosen = _mostly_new(chosen, found, n=wanted.n)
        places = found.spread_out([p.pk for p, _ in chosen], n=wanted.n, trade=VARIETY)
        chosen = [chosen[place] for place in places]
    if len(chosen) < wanted.n:
        chosen += _eligible(_unknown_to(found), replace(wanted, n=wanted.n - len(chosen)))
    reasons = found.reasons([product.pk for product, _ in chosen])
    return _lines(chosen, wanted, reasons, found.artifact)


def _mostly_new(
    chosen: list[tuple[Product, float]], found: scoring.Personal, *, n: int
) -> list[tuple[Product, float]]:
    """Keep of what they looked at already no more than a third of the list, the best of it.

    A model likes best what it has seen the customer with; a list should also be a discovery.
    """
    looked_at = {touch.product_id for touch in found.touches}
    known = [one for one in chosen if one[0].pk in looked_at]
    dropped = {product.pk for product, _ in known[max(n // 3, 1) :]}
    fresh = [one for one in chosen if one[0].pk not in dropped]
    return fresh if len(fresh) >= n else chosen


def _popular(wanted: Wanted, *, now: datetime, said: bool = True) -> list[Recommended]:
    ranked = popular(now=now).ranked()
    chosen = _eligible(ranked, wanted)
    reasons = {product.pk: _plain_reason(score) for product, score in chosen}
    if not said:  # narrowed by us, not asked for by anybody
        wanted = replace(wanted, within=Constraints())
    return _lines(chosen, wanted, reasons, "popularity")


def _unknown_to(found: scoring.Personal) -> list[Scored]:
    """Products that came after the training; they have higher ids than all that it knew."""
    newest = int(found.shop.products_[-1])
    ids = Product.objects.filter(pk__gt=newest).order_by("-pk").values_list("pk", flat=True)
    return [(pk, 0.0) for pk in ids[:LONGEST]]


def _same_category(product: Product) -> Constraints:
    return Constraints(category=product.category.slug if product.category else None)


def _eligible(scored: Sequence[Scored], wanted: Wanted) -> list[tuple[Product, float]]:
    """The first n that are for sale and satisfy what was asked. Two queries at most."""
    open_to = [one for one in scored if one[0] not in wanted.hidden]
    if wanted.within.is_narrow:
        return _read(_among(open_to, wanted.within, wanted.n), wanted.within)
    reach = wanted.n + 50
    found = _read(open_to[:reach], wanted.within)
    if len(found) < wanted.n and reach < len(open_to):
        found += _read(open_to[reach:], wanted.within)
    return found[: wanted.n]


def _among(scored: Sequence[Scored], within: Constraints, n: int) -> list[Scored]:
    """The first n that satisfy what was asked, found by ids: most of them are never shown."""
    rows = Product.objects.filter(within.as_query()).exclude(within.unwanted())
    if within.names_options:
        told = rows.values_list("pk", "colors", "features", "sizes")
        ids = {pk for pk, *options in told if within.allows_options(*options)}
    else:
        ids = set(rows.values_list("pk", flat=True))
    return [one for one in scored if one[0] in ids][:n]


def _read(scored: Sequence[Scored], within: Constraints) -> list[tuple[Product, float]]:
    """These products as they are now, without those that no longer satisfy what was asked."""
    products = Product.objects.filter(within.as_query(), pk__in=[pk for pk, _ in scored])
    products = products.exclude(within.unwanted()).select_related("category", "brand")
    by_id = {product.pk: product for product in products}
    return [(by_id[pk], score) for pk, score in scored if pk in by_id]


def _lines(
    chosen: Sequence[tuple[Product, float]],
    wanted: Wanted,
    reasons: Mapping[int, Reason],
    artifact: str,
) -> list[Recommended]:
    lines = []
    for rank, (product, score) in enumerate(chosen, start=1):
        reason = reasons.get(product.pk, Reason("new")).about(product)
        asked = wanted.within.matched(product)
        if asked:
            reason = reason.after(asked)
        lines.append(
            Recommended(
                product=product,
                score=score,
                rank=rank,
                reason_code=reason.code,
                evidence=reason.evidence,
                artifact=artifact,
            )
        )
    return lines


def _basket_reason(pair: baskets.Pair, titles: dict[str, str]) -> Reason:
    """The rule's own numbers as the evidence."""
    evidence = {
        "product": titles,
        "product_id": pair.left,
        "share": round(pair.confidence, 4),
        "together": pair.together,
        "baskets": pair.baskets,
        "lift": round(pair.lift, 2),
    }
    return Reason("basket", evidence)


def _plain_reason(buyers: float) -> Reason:
    return Reason("popular", {"buyers": int(buyers)}) if buyers > 0 else Reason("in_stock")
