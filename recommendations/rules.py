"""The shop's own will over every list: boost, bury, pin, exclude, reserve.

Scores have no unit of their own, so a boost is counted in deviations of the scores of the ranking
that it changes: it moves a product as far in a list of what sells as in a personal one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, reduce
from operator import or_

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from crm.models import Customer, Membership, Product
from crm.prepared import Prepared
from recommendations.models import BusinessRule
from recommendations.ranking import Ranking, Scored
from recommendations.reasons import Reason
from recommendations.shelf import NOTHING

Effect = BusinessRule.Effect
IN_FORCE = Prepared(
    lambda placement, now: BusinessRule.objects.in_force(placement=placement, now=now),
    placement=str,
    now=datetime,
)
DEVIATIONS = {1: 0.5, 2: 1.0, 3: 3.0}  # by strength


@dataclass(frozen=True)
class InForce:
    """The rules that hold for one customer at one placement at one moment."""

    rules: Sequence[BusinessRule] = ()

    @property
    def forbidden(self) -> Q:
        """Products that no list of this customer may hold."""
        if not self._forbidding:
            return NOTHING
        return reduce(or_, (_safely(rule) for rule in self._forbidding))

    def forbids(self, product: Product) -> BusinessRule | None:
        """The first rule that keeps this product off, if any."""
        return next((rule for rule in self._forbidding if rule.speaks_of(product)), None)

    def buries(self, product: Product) -> BusinessRule | None:
        """The first rule that moves this product down, if any."""
        return next((r for r in self._of(Effect.BURY) if r.speaks_of(product)), None)

    def moved(self, ranked: Ranking) -> Ranking:
        """The ranking after all that is boosted and buried. One query where anything is."""
        import numpy as np

        moving = self._of(Effect.BOOST, Effect.BURY)
        if not moving or not len(ranked.ids):
            return ranked
        scores = np.array(ranked.scores, dtype=float)
        unit = float(scores.std()) or 1.0
        for pk, rules in self._spoken_of(moving).items():
            place = ranked.position.get(pk)
            if place is not None:
                scores[place] += unit * sum(_deviations(rule) for rule in rules)
        return replace(ranked, scores=scores)

    def lifts(self, product: Product) -> BusinessRule | None:
        """The first rule that moves this product up, if any."""
        return next((r for r in self._of(Effect.BOOST) if r.speaks_of(product)), None)

    def pins(self, n: int) -> list[BusinessRule]:
        """Those that fix a product within the first n places, by place."""
        pins = [rule for rule in self._of(Effect.PIN) if rule.place <= n]
        return sorted(pins, key=lambda rule: rule.place)

    @cached_property
    def _forbidding(self) -> list[BusinessRule]:
        return self._of(Effect.EXCLUDE, Effect.RESERVE)

    def _of(self, *effects: str) -> list[BusinessRule]:
        return [rule for rule in self.rules if rule.effect in effects]

    def _spoken_of(self, rules: Sequence[BusinessRule]) -> dict[int, list[BusinessRule]]:
        spoken = Product.objects.filter(reduce(or_, (rule.products() for rule in rules)))
        rows = [
            Product(pk=pk, category_id=category, brand_id=brand)
            for pk, category, brand in spoken.values_list("pk", "category_id", "brand_id")
        ]
        return {row.pk: [rule for rule in rules if rule.speaks_of(row)] for row in rows}


def in_force(customer: Customer | None, *, placement: str, now: datetime) -> InForce:
    """The rules for this customer (or for nobody in particular) now. One query, two with segments.

    What is reserved for a segment is forbidden to all others, and free to its members.
    """
    found = IN_FORCE.rows(placement=placement, now=now)
    segments = {rule.segment_id for rule in found if rule.segment_id is not None}
    mine: set[int] = set()
    if segments and customer is not None and customer.pk is not None:
        memberships = Membership.objects.filter(customer=customer, segment__in=segments)
        mine = set(memberships.values_list("segment_id", flat=True))
    return InForce([rule for rule in found if _holds(rule, mine)])


def pinned(
    chosen: Sequence[Scored], found: Sequence[tuple[BusinessRule, Scored]], *, n: int
) -> list[Scored]:
    """The list with every product that a rule fixes at its place; the others move down."""
    fixed = {scored[0] for _, scored in found}
    listed = [one for one in chosen if one[0] not in fixed]
    for rule, scored in found:  # by place
        listed.insert(rule.place - 1, scored)
    return listed[:n]


def reason(rule: BusinessRule) -> Reason:
    """What the customer is told of a rule that brought a product up."""
    return Reason("promoted", {"rule": rule.pk})


def sentence(rule: BusinessRule) -> str:
    """The rule as staff would say it, in the present language."""
    words = {
        "products": _products(rule),
        "strongly": rule.get_strength_display(),
        "place": rule.place,
        "segment": rule.segment,
    }
    said = {
        Effect.BOOST: _("Move %(products)s up %(strongly)s"),
        Effect.BURY: _("Move %(products)s down %(strongly)s"),
        Effect.PIN: _("Show %(products)s at place %(place)s"),
        Effect.EXCLUDE: _("Never show %(products)s"),
        Effect.RESERVE: _("Show %(products)s only to “%(segment)s”"),
    }[Effect(rule.effect)] % words
    for limit in _limits(rule):
        said = _("%(said)s, %(limit)s") % {"said": said, "limit": limit}
    return said + _(".")


def _products(rule: BusinessRule) -> str:
    if rule.product is not None:
        return _("“%(title)s”") % {"title": rule.product}
    names = {"category": rule.category, "brand": rule.brand}
    if rule.brand is None:
        return _("everything in “%(category)s”") % names
    if rule.category is None:
        return _("everything of “%(brand)s”") % names
    return _("everything in “%(category)s” of “%(brand)s”") % names


def _limits(rule: BusinessRule) -> list[str]:
    limits = []
    if rule.segment is not None and rule.effect != Effect.RESERVE:
        limits.append(_("for “%(segment)s”") % {"segment": rule.segment})
    if rule.placement:
        limits.append(_("on “%(placement)s”") % {"placement": rule.placement})
    if rule.starts_at is not None:
        limits.append(_("from %(moment)s") % {"moment": _moment(rule.starts_at)})
    if rule.ends_at is not None:
        limits.append(_("until %(moment)s") % {"moment": _moment(rule.ends_at)})
    return limits


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT")


def _holds(rule: BusinessRule, mine: Collection[int]) -> bool:
    if rule.effect == Effect.RESERVE:
        return rule.segment_id not in mine
    return rule.segment_id is None or rule.segment_id in mine


def _deviations(rule: BusinessRule) -> float:
    return DEVIATIONS[rule.strength] * (1 if rule.effect == Effect.BOOST else -1)


def _safely(rule: BusinessRule) -> Q:
    """Its products as something to exclude: one without a category or brand must not match."""
    there = Q()
    if rule.category_id is not None:
        there &= Q(category__isnull=False)
    if rule.brand_id is not None:
        there &= Q(brand__isnull=False)
    return there & rule.products()
