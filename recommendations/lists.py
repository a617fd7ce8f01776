"""From a ranking of the catalogue to a list: what may be shown, not all alike, with reasons."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from crm.models import Artifact, Product
from recommendations import scoring
from recommendations.again import again
from recommendations.asking import LONGEST, Situation
from recommendations.constraints import Constraints
from recommendations.popular import popular
from recommendations.ranking import Ranking, Scored
from recommendations.reasons import Reason
from recommendations.recommended import Recommended

SPARE = 5  # candidates per place in the list, from which variety is chosen
VARIETY = 0.97  # how much the score counts against being unlike what is already in the list
NEW = (Reason("new"),)
Reasons = tuple[Reason, ...]


def make(situation: Situation, *, artifact: Artifact | None = None) -> list[Recommended]:
    """The list for this request, ranked by the champion or by this artifact."""
    return of(ranking(situation, artifact=artifact), situation)


def ranking(situation: Situation, *, artifact: Artifact | None = None) -> Ranking:
    """The catalogue in the order that suits this customer; what sells where nothing is known."""
    asked = situation.asked
    if asked.mode == "again":
        return again(situation.touches, now=asked.now)
    heard = scoring.speaking(situation.touches, now=asked.now, artifact=artifact)
    return heard.blended() if heard else popular(now=asked.now).ranking()


def of(ranked: Ranking, situation: Situation) -> list[Recommended]:
    """The list that this ranking makes. Four queries at most, but where products vanish."""
    asked, hidden = situation.asked, situation.hidden
    chosen = choose(ranked, hidden, asked.wanted, n=asked.places)
    if len(chosen) < asked.places:
        fill = [one for one in ranked.younger(LONGEST) if one[0] not in hidden]
        chosen += _for_sale(fill, asked.wanted)[: asked.places - len(chosen)]
    return lines(ranked, chosen, asked.wanted)


def choose(
    ranked: Ranking, hidden: Collection[int], within: Constraints, *, n: int
) -> list[Scored]:
    """Which products of this ranking to show, best first."""
    if within.is_narrow:
        return ranked.best(n, hidden=hidden, among=satisfying(within))
    candidates = eligible(ranked, hidden, within, n=SPARE * n)
    candidates = mostly_new(candidates, ranked.looked_at(), n=n)
    return ranked.spread_out(candidates, n=n, trade=VARIETY)


def eligible(
    ranked: Ranking, hidden: Collection[int], within: Constraints, *, n: int
) -> list[Scored]:
    """The n best that are for sale, best first. One query, or two where much is sold out."""
    reach = n + 50
    found = _for_sale(ranked.best(reach, hidden=hidden), within)
    if len(found) < n and reach < len(ranked.ids):
        return ranked.best(n, hidden=hidden, among=satisfying(within))
    return found[:n]


def satisfying(within: Constraints, among: Collection[int] | None = None) -> set[int]:
    """Every product (`among` these) that satisfies what was asked, as ids: most are never shown."""
    rows = Product.objects.filter(within.as_query()).exclude(within.unwanted())
    if among is not None:
        rows = rows.filter(pk__in=among)
    if not within.names_options:
        return set(rows.values_list("pk", flat=True))
    told = rows.values_list("pk", "colors", "features", "sizes")
    return {pk for pk, *options in told if within.allows_options(*options)}


def mostly_new(scored: list[Scored], looked_at: set[int], *, n: int) -> list[Scored]:
    """Keep of what they looked at already no more than a third of the list, the best of it.

    A model likes best what it has seen the customer with; a list should also be a discovery.
    """
    known = [pk for pk, _ in scored if pk in looked_at]
    dropped = set(known[max(n // 3, 1) :])
    fresh = [one for one in scored if one[0] not in dropped]
    return fresh if len(fresh) >= n else scored


def lines(
    ranked: Ranking, chosen: Sequence[Scored], within: Constraints, *, said: bool = True
) -> list[Recommended]:
    """Rows, reasons and ranks. What was deleted in the meantime is left out.

    said: somebody asked for `within`, and the reason answers that first.
    """
    products = _rows([pk for pk, _ in chosen])
    there = [(products[pk], score) for pk, score in chosen if pk in products]
    reasons = ranked.reasons([product.pk for product, _ in there])
    made = []
    for rank, (product, score) in enumerate(there, start=1):
        main, *rest = _about(product, reasons, within if said else Constraints())
        line = Recommended(
            product=product,
            score=score,
            rank=rank,
            reason_code=main.code,
            evidence=main.evidence,
            artifact=ranked.artifact,
            supporting=tuple(rest),
        )
        made.append(line)
    return made


def renumbered(made: Sequence[Recommended]) -> list[Recommended]:
    return [replace(line, rank=rank) for rank, line in enumerate(made, start=1)]


def _about(product: Product, reasons: Mapping[int, Reasons], within: Constraints) -> Reasons:
    main, *rest = reasons.get(product.pk, NEW)
    main = main.about(product)
    asked = within.matched(product)
    return (main.after(asked) if asked else main, *rest)


def _for_sale(scored: Sequence[Scored], within: Constraints) -> list[Scored]:
    found = satisfying(within, among=[pk for pk, _ in scored]) if scored else set()
    return [one for one in scored if one[0] in found]


def _rows(product_ids: Sequence[int]) -> dict[int, Product]:
    return Product.objects.select_related("category", "brand").in_bulk(list(product_ids))
