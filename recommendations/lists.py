"""From a ranking of the catalogue to a list: what may be shown, not all alike, with reasons."""

from collections.abc import Collection

from crm.models import Artifact
from recommendations import lines, newcomers, rules, scoring
from recommendations.again import again
from recommendations.asking import Situation
from recommendations.cold import cold
from recommendations.exploration import Drawn, explored
from recommendations.lines import Telling
from recommendations.models import BusinessRule
from recommendations.ranking import Ranking, Scored
from recommendations.recommended import Recommended
from recommendations.shelf import Shelf

SPARE = 5  # candidates per place in the list, from which variety is chosen
VARIETY = 0.85  # how much rank counts against being unlike the list: a third of a percent of NDCG


def make(
    situation: Situation, *, artifact: Artifact | None = None, explore: bool = True
) -> list[Recommended]:
    """The list for this request, ranked by the champion or by this artifact."""
    return of(ranking(situation, artifact=artifact), situation, explore=explore)


def ranking(situation: Situation, *, artifact: Artifact | None = None) -> Ranking:
    """The catalogue in the order that suits this customer; what sells where nothing is known."""
    asked = situation.asked
    if asked.mode == "again":
        return again(situation.touches, now=asked.now)
    heard = scoring.speaking(situation.touches, now=asked.now, artifact=artifact)
    if heard is not None:
        return heard.blended()
    return cold(asked.customer, situation.touches, now=asked.now)


def of(ranked: Ranking, situation: Situation, *, explore: bool = False) -> list[Recommended]:
    """The list that this ranking makes after the shop's rules.

    explore: some of its places may go to what would come next, where that is written down.
    """
    asked, n = situation.asked, situation.asked.places
    moved = situation.rules.moved(ranked)
    reach = candidates(moved, situation.hidden, situation.shelf, n=n)
    chosen = reach[:n] if asked.wanted.is_narrow else moved.spread_out(reach, n=n, trade=VARIETY)
    chosen = _with_newcomers(chosen, moved, situation)
    pins = _pins(moved, situation)
    chosen = rules.pinned(chosen, pins, n=n)
    fixed = {scored[0]: rule for rule, scored in pins}
    drawn = [Drawn(pk, score) for pk, score in chosen]
    if explore and asked.may_explore:
        drawn = explored(drawn, reach, rng=situation.rng, fixed=fixed)
    listed = {one.product_id for one in drawn}
    following = [pk for pk, _ in reach if pk not in listed]
    telling = Telling(asked.wanted, situation.rules, fixed, ranked, following, n)
    return lines.of(moved, drawn, telling)


def candidates(ranked: Ranking, hidden: Collection[int], shelf: Shelf, *, n: int) -> list[Scored]:
    """What a list of n is chosen from, best first. What was asked for is taken as it comes."""
    if shelf.within.is_narrow:
        return ranked.best(n, hidden=hidden, among=shelf.ids())
    return mostly_new(eligible(ranked, hidden, shelf, n=SPARE * n), ranked.looked_at(), n=n)


def eligible(ranked: Ranking, hidden: Collection[int], shelf: Shelf, *, n: int) -> list[Scored]:
    """The n best that are for sale, best first. One query, or two where much is sold out."""
    reach = n + 50
    best = ranked.best(reach, hidden=hidden)
    there = shelf.ids(among=[pk for pk, _ in best]) if best else set()
    found = [one for one in best if one[0] in there]
    if len(found) < n and reach < len(ranked.ids):
        return ranked.best(n, hidden=hidden, among=shelf.ids())
    return found[:n]


def mostly_new(scored: list[Scored], looked_at: set[int], *, n: int) -> list[Scored]:
    """Keep of what they looked at already no more than a third of the list, the best of it.

    A model likes best what it has seen the customer with; a list should also be a discovery.
    """
    known = [pk for pk, _ in scored if pk in looked_at]
    dropped = set(known[max(n // 3, 1) :])
    fresh = [one for one in scored if one[0] not in dropped]
    return fresh if len(fresh) >= n else scored


def _with_newcomers(chosen: list[Scored], ranked: Ranking, situation: Situation) -> list[Scored]:
    """Give products that came after the training a place, and all that are left to fill."""
    if ranked.newest is None:
        return chosen
    known = {*situation.hidden, *(pk for pk, _ in chosen)}
    found = newcomers.scored(ranked, ranked.newest, without=known)
    there = situation.shelf.ids(among=[pk for pk, _ in found]) if found else set()
    fresh = [one for one in found if one[0] in there]
    missing = situation.asked.places - len(chosen)
    if missing > 0:
        return [*chosen, *fresh[:missing]]
    return chosen if situation.asked.wanted.is_narrow else newcomers.among(chosen, fresh)


def _pins(ranked: Ranking, situation: Situation) -> list[tuple[BusinessRule, Scored]]:
    """The best product that each pin speaks of. A query for each pin; hardly ever is there one."""
    found: list[tuple[BusinessRule, Scored]] = []
    if situation.asked.mode == "again":
        return found
    taken = set(situation.hidden)
    for rule in situation.rules.pins(situation.asked.places):
        there = situation.shelf.ids(also=rule.products()) - taken
        known = ranked.best(1, among=there)
        best = known or [(pk, 0.0) for pk in sorted(there, reverse=True)[:1]]
        found += [(rule, one) for one in best]
        taken |= {pk for pk, _ in best}
    return found
