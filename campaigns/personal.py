"""What a template may say of one customer: a coupon, recommendations, what was decided for them.

Asked only where it does. `decisions["home"].name` is the action that the placement “home” chose.
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from campaigns import decisions
from campaigns.decisions import offers
from campaigns.decisions.offers import named
from campaigns.models import Coupon, Placement, Template
from crm.models import Customer
from recommendations import serving

PRODUCTS = 6
PARTS = ("subject", "body", "text")
_DECIDED = re.compile(r"""\bdecisions\s*(?:\.\s*|\[\s*["'])([a-z0-9][a-z0-9_-]{0,47})""")


def wanted(template: Template, language: str) -> Collection[str]:
    """Which of them the template speaks of in this language."""
    source = _source(template, language)
    return [name for name in ("coupon", "recommendations") if name in source]


def placements(template: Template, language: str) -> list[str]:
    """The slugs of the placements whose decisions the template speaks of in this language."""
    return sorted(set(_DECIDED.findall(_source(template, language))))


def unknown_placements(template: Template) -> list[tuple[str, str]]:
    """(field, slug) of every placement that a template speaks of and nobody knows."""
    spoken = [
        (f"{part}_{language}", slug)
        for language in ("en", "zh")
        for part in PARTS
        for slug in _DECIDED.findall(getattr(template, f"{part}_{language}"))
    ]
    if not spoken:
        return []
    known = set(Placement.objects.values_list("slug", flat=True))
    return [(name, slug) for name, slug in spoken if slug not in known]


def looked_up(
    slugs: Iterable[str], customer: Customer, language: str, *, channel: str, now: datetime
) -> dict[str, offers.Said]:
    """What would be decided now, by placement; nothing is logged."""
    found = {}
    for slug in slugs:
        try:
            placement = decisions.placement_of(slug)
        except (decisions.UnknownPlacement, decisions.PlacementClosed):
            continue
        one = decisions.look(customer, placement, now=now, channels=(channel,))
        if one and (said := offers.decided(one, language, now=now)):
            found[slug] = said
    return found


def values(
    names: Collection[str], customer: Customer, language: str, *, now: datetime
) -> dict[str, Any]:
    """The values of these names for one customer; what they do not have is left out."""
    return of_many([(customer, language, names)], now=now)[customer.pk]


def of_many(
    readers: Iterable[tuple[Customer, str, Collection[str]]], *, now: datetime
) -> dict[int, dict[str, Any]]:
    """The values for many customers by their ids; their coupons cost one query."""
    readers = list(readers)
    coupons = _best_coupons([c for c, _, names in readers if "coupon" in names], now=now)
    found: dict[int, dict[str, Any]] = {}
    for customer, language, names in readers:
        mine: dict[str, Any] = found.setdefault(customer.pk, {})
        if coupon := coupons.get(customer.pk):
            mine["coupon"] = offers.coupon(coupon, language)
        if "recommendations" in names:
            mine["recommendations"] = _recommended(customer, language, now=now)
    return found


def best_coupon(customer: Customer, *, now: datetime) -> Coupon | None:
    """One of their own before everybody's; of those, the one that ends first."""
    return _best_coupons([customer], now=now).get(customer.pk)


def _best_coupons(customers: Collection[Customer], *, now: datetime) -> dict[int, Coupon]:
    if not customers:
        return {}
    valid = Coupon.objects.valid_on(now.date()).order_by("valid_to", "pk")
    best: dict[int | None, Coupon] = {}
    for coupon in valid.filter(customer__in=customers):
        best.setdefault(coupon.customer_id, coupon)
    public = valid.filter(customer=None).first()
    chosen = {c.pk: best.get(c.pk, public) for c in customers}
    return {pk: coupon for pk, coupon in chosen.items() if coupon is not None}


def _recommended(customer: Customer, language: str, *, now: datetime) -> list[offers.Said]:
    found = serving.recommend(customer, n=PRODUCTS, now=now, placement="campaign")
    return [
        offers.product(one.product, language) | named(reason=one.reason(language)) for one in found
    ]


def _source(template: Template, language: str) -> str:
    return "".join(getattr(template, f"{part}_{language}") for part in PARTS)
