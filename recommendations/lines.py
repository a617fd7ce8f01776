"""From the ids of a list to its lines: rows as they are now, ranks, and why each is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import QuerySet

from crm.models import Product
from crm.prepared import Prepared
from recommendations import rules
from recommendations.constraints import Constraints
from recommendations.explaining import facts
from recommendations.exploration import Drawn
from recommendations.models import BusinessRule
from recommendations.ranking import Ranking
from recommendations.reasons import Reason
from recommendations.recommended import Recommended
from recommendations.rules import InForce

NEW = Reason("new")
Reasons = tuple[Reason, ...]


@dataclass(frozen=True)
class Telling:
    """What the reasons of a list answer to, beside its ranking."""

    within: Constraints = Constraints()
    rules: InForce = InForce()
    fixed: Mapping[int, BusinessRule] = field(default_factory=dict)  # by product
    before: Ranking | None = None  # as it was before the rules moved it
    following: Sequence[int] = ()  # ids of what is next in line
    n: int = 0  # places of the list

    def is_needed(self, product: Product) -> bool:
        """Whether the product would not be among the first n without the rules."""
        rank = self.before.rank(product.pk) if self.before else None
        return rank is not None and rank > self.n


def of(ranked: Ranking, drawn: Sequence[Drawn], telling: Telling = Telling()) -> list[Recommended]:
    """Rows, reasons and ranks. What was deleted in the meantime is left out."""
    products = _rows([one.product_id for one in drawn])
    there = [one for one in drawn if one.product_id in products]
    shown = [products[one.product_id] for one in there]
    why = ranked.reasons(shown, following=telling.following)
    made = []
    for rank, one in enumerate(there, start=1):
        product = products[one.product_id]
        main, *supporting = _told(
            product, one, why.get(product.pk) or (NEW, *facts(product)), telling
        )
        line = Recommended(
            product=product,
            score=one.score,
            rank=rank,
            reason_code=main.code,
            evidence=main.evidence,
            artifact=ranked.artifact,
            supporting=tuple(supporting),
            propensity=one.propensity,
        )
        made.append(line)
    return made


def renumbered(made: Sequence[Recommended]) -> list[Recommended]:
    return [replace(line, rank=rank) for rank, line in enumerate(made, start=1)]


def _told(product: Product, drawn: Drawn, own: Reasons, telling: Telling) -> Reasons:
    """The reasons of one line: what brought it to its place comes first."""
    own = tuple(reason.about(product) for reason in own)
    lift = telling.rules.lifts(product)
    if product.pk in telling.fixed:
        own = (rules.reason(telling.fixed[product.pk]), *own)
    elif drawn.is_explored:
        own = (Reason("different"), *(one for one in own if one.code != "different"))
    elif lift is not None:
        promoted = rules.reason(lift)
        own = (promoted, *own) if telling.is_needed(product) else (*own, promoted)
    asked = telling.within.matched(product)
    return (own[0].after(asked), *own[1:]) if asked else own


def _rows(product_ids: Sequence[int]) -> dict[int, Product]:
    ids = list(product_ids)
    return {one.pk: one for one in (ROWS.rows(ids=ids) if len(ids) <= FEW else _products(ids))}


def _products(ids: Sequence[int]) -> QuerySet[Product]:
    return Product.objects.select_related("category", "brand").filter(pk__in=ids)


FEW = 16  # products of most lists
ROWS = Prepared(_products, ids=FEW)
