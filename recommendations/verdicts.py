"""Why not this one? What keeps a product off a customer's list, for staff."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from crm.models import Product
from recommendations import exclusions, lists, rules
from recommendations.asking import Situation
from recommendations.exclusions import Cause
from recommendations.ranking import Ranking


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Where a product stands for one customer: its place in the list, or what keeps it off."""

    product: Product
    place: int | None  # in the list as it would be shown; 1 is the top
    causes: tuple[Cause, ...]  # none where it is in the list
    rank: int | None  # among all products that have a score, whatever may be shown
    score: float | None
    of: int  # products that have a score
    artifact: str  # name#id of what ranked it, or "popularity"

    def sentence(self) -> str:
        """The verdict in the present language."""
        if self.place is not None:
            return _("It is at place %(place)s of the list.") % {"place": self.place}
        said = {"causes": _("; ").join(str(cause) for cause in self.causes)}
        if self.rank is None:
            return _("It is not in the list: %(causes)s.") % said
        said |= {"rank": str(self.rank), "of": str(self.of)}
        return _("It is not in the list: %(causes)s. It ranks %(rank)s of %(of)s.") % said


def of(product: Product, situation: Situation) -> Verdict:
    """What the list of this request has to say of this product."""
    ranked = lists.ranking(situation)
    moved = situation.rules.moved(ranked)
    shown = [line.product.pk for line in lists.of(ranked, situation)]
    place = shown.index(product.pk) + 1 if product.pk in shown else None
    return Verdict(
        product=product,
        place=place,
        causes=() if place else causes(product, moved, situation),
        rank=moved.rank(product.pk),
        score=moved.score(product.pk),
        of=len(ranked.ids),
        artifact=ranked.artifact,
    )


def causes(product: Product, ranked: Ranking, situation: Situation) -> tuple[Cause, ...]:
    """All that keeps a product off; where nothing forbids it, how it lost its place to others."""
    found = []
    if product.pk in situation.hidden:
        found.append(Cause(situation.hidden[product.pk]))
    found += exclusions.of_product(product, situation.asked.wanted)
    if forbidding := situation.rules.forbids(product):
        found.append(Cause("rule", {"rule": rules.sentence(forbidding)}))
    if found:
        return tuple(found)
    if burying := situation.rules.buries(product):
        return (Cause("buried", {"rule": rules.sentence(burying)}),)
    return (_lost(product, ranked, situation),)


def _lost(product: Product, ranked: Ranking, situation: Situation) -> Cause:
    asked = situation.asked
    if asked.wanted.is_narrow:
        return Cause("outranked")
    reach = lists.eligible(ranked, situation.hidden, situation.shelf, n=lists.SPARE * asked.places)
    if product.pk not in {pk for pk, _ in reach}:
        return Cause("outranked")
    fresh = lists.mostly_new(reach, ranked.looked_at(), n=asked.places)
    kept = [pk for pk, _ in fresh]
    if product.pk not in kept:
        return Cause("looked_at")
    return Cause("variety" if kept.index(product.pk) < asked.places else "outranked")
