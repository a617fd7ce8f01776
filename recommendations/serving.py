"""The one door to recommendations: chat, shop page, campaign template and REST come here.

A list is scored at the request, from what the customer did until this very moment.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from crm import baskets
from crm.models import Artifact, Customer, Product
from recommendations import dislikes, impressions, lines, lists, rivals, rules, scoring, verdicts
from recommendations.asking import LONGEST, Asked, Mode, Situation
from recommendations.constraints import Constraints
from recommendations.exploration import Drawn
from recommendations.lines import Telling
from recommendations.lookalikes import LooksLike
from recommendations.models import Impression
from recommendations.popular import popular
from recommendations.ranking import Ranking
from recommendations.recommended import Recommended
from recommendations.rules import InForce
from recommendations.shelf import Shelf
from recommendations.sides import Side, compare
from recommendations.together import Together
from recommendations.verdicts import Verdict

__all__ = [
    "LONGEST",
    "Constraints",
    "Recommended",
    "Side",
    "Verdict",
    "bought_together",
    "click",
    "dislike",
    "disliked",
    "looks_like",
    "ranked_by",
    "recommend",
    "record_impressions",
    "sides",
    "similar",
    "take_back_dislike",
    "why_not",
]


def recommend(  # noqa: PLR0913  (one request, asked in one call)
    customer: Customer,
    *,
    n: int = 10,
    now: datetime,
    placement: str = "",
    within: Constraints | None = None,
    exclude: Collection[int] = (),
    mode: Mode = "discover",
    session: Sequence[int] = (),
) -> list[Recommended]:
    """Return up to n products for this customer, best first.

    mode: "discover" never shows what they bought; "again" shows nothing else, the most due first.
    within: narrows the list to what was asked for. exclude: ids of products.
    session: ids of products that are looked at right now, the newest last, for whoever has no
    timeline (yet). Answers with what sells, or what is new, as long as nothing is trained.
    """
    if n < 1:
        return []
    situation = Situation(
        Asked(
            customer=customer,
            n=n,
            now=now,
            placement=placement,
            within=within,
            exclude=exclude,
            mode=mode,
            session=session,
        )
    )
    test = rivals.of(customer, placement=placement, now=now) if mode == "discover" else None
    if test is None:
        return lists.make(situation)
    first, second = (lists.make(situation, artifact=one, explore=False) for one in test.artifacts)
    return lines.renumbered(test.draft((first, second), n=situation.asked.places))


def ranked_by(
    artifact: Artifact, customer: Customer, *, n: int = 10, now: datetime, placement: str = ""
) -> list[Recommended]:
    """The list that this artifact would make, champion or not; outside of any test."""
    if n < 1:
        return []
    asked = Asked(customer=customer, n=n, now=now, placement=placement)
    return lists.make(Situation(asked), artifact=artifact, explore=False)


def why_not(
    customer: Customer,
    product: Product,
    *,
    n: int = 10,
    now: datetime,
    placement: str = "",
    within: Constraints | None = None,
) -> Verdict:
    """What keeps this product off this customer's list of n, or at which place of it it stands."""
    asked = Asked(customer=customer, n=n, now=now, placement=placement, within=within)
    return verdicts.of(product, Situation(asked))


def sides(customer: Customer, *, n: int = 10, now: datetime, placement: str = "") -> list[Side]:
    """The lists of every voice of the champion, of their blend, and the one that is shown."""
    return compare(Situation(Asked(customer=customer, n=n, now=now, placement=placement)))


def similar(
    product: Product, *, n: int = 10, now: datetime, customer: Customer | None = None
) -> list[Recommended]:
    """Return up to n products like this one, best first.

    customer: who is looking, as some products may be reserved for a segment.
    """
    if n < 1:
        return []
    found: Ranking | None = scoring.alike(product)
    held = rules.in_force(customer, placement="similar", now=now)
    within = Constraints()
    if found is None:
        found = popular(now=now).ranking()
        within = Constraints(category=product.category.slug if product.category else None)
    return _beside(product, found, held, within, n)


def bought_together(
    product: Product, *, n: int = 4, now: datetime, customer: Customer | None = None
) -> list[Recommended]:
    """Return up to n products that baskets with this one hold, by significant rules, surest first.

    Nothing stands in for them: where no rule speaks, the list is empty.
    """
    pairs = baskets.together([product.pk], n=LONGEST) if n > 0 else []
    if not pairs:
        return []
    held = rules.in_force(customer, placement="together", now=now)
    found = Together.of(product, pairs, baskets.artifact_name())
    return _beside(product, found, held, Constraints(), n)


def looks_like(
    product: Product, *, n: int = 4, now: datetime, customer: Customer | None = None
) -> list[Recommended]:
    """Return up to n products whose pictures look like this one's, the most alike first.

    Nothing stands in for them: where no picture is alike, the list is empty.
    """
    found = LooksLike.of(product) if n > 0 else None
    if found is None:
        return []
    held = rules.in_force(customer, placement="looks", now=now)
    return _beside(product, found, held, Constraints(), n)


def record_impressions(
    customer: Customer, recommended: Sequence[Recommended], *, placement: str, now: datetime
) -> list[Recommended]:
    """Write down that this list was shown; return it with the ids of its impressions."""
    return impressions.record(customer, recommended, placement=placement, now=now)


def dislike(customer: Customer, product: Product, *, placement: str = "", now: datetime) -> None:
    """Write down that this customer does not want to see the product again. Twice is once.

    A good rating or a purchase of later takes it back.
    """
    dislikes.record(customer, product, placement=placement, now=now)


def take_back_dislike(
    customer: Customer, product: Product, *, placement: str = "", now: datetime
) -> None:
    """Write down that the product may be shown after all. Twice is once."""
    dislikes.take_back(customer, product, placement=placement, now=now)


def disliked(customer: Customer, *, now: datetime) -> set[int]:
    """Ids of the products that this customer does not want to see."""
    return dislikes.of(customer, now=now)


def click(impression_id: int, now: datetime) -> Impression | None:
    """Write down that a shown product was clicked. Twice is once."""
    return impressions.click(impression_id, now)


def _beside(
    product: Product, ranked: Ranking, held: InForce, within: Constraints, n: int
) -> list[Recommended]:
    """The n best of this ranking after the shop's rules, without the product itself."""
    moved, shelf = held.moved(ranked), Shelf(within, held.forbidden)
    best = lists.eligible(moved, {product.pk}, shelf, n=min(n, LONGEST))
    drawn = [Drawn(pk, score) for pk, score in best]
    return lines.of(moved, drawn, Telling(rules=held, before=ranked, n=n))
