"""What a template may say of one customer: a coupon, recommendations, what was decided for them.

Asked only where it does. `decisions["home"].name` is the action that the placement “home” chose,
`coupons["autumn"].code` a code of the customer's own from the series “autumn”.
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from campaigns import coupons, decisions
from campaigns.decisions import offers
from campaigns.decisions.offers import named
from campaigns.models import Coupon, CouponSeries, Placement, Template
from crm.models import Customer
from recommendations import serving

PRODUCTS = 6
PARTS = ("subject", "body", "text")
_COUPON = re.compile(r"\bcoupon\b")
_SERIES = re.compile(r"""\bcoupons\s*(?:\.\s*|\[\s*["'])([a-z0-9][a-z0-9_-]{0,47})""")
_DECIDED = re.compile(r"""\bdecisions\s*(?:\.\s*|\[\s*["'])([a-z0-9][a-z0-9_-]{0,47})""")


def wanted(template: Template, language: str) -> Collection[str]:
    """Which of them the template speaks of in this language."""
    source = _source(template, language)
    names = ["coupon"] if _COUPON.search(source) else []
    return [*names, *(["recommendations"] if "recommendations" in source else [])]


def series(template: Template, language: str) -> list[str]:
    """The slugs of the coupon series that the template speaks of in this language."""
    return sorted(set(_SERIES.findall(_source(template, language))))


def given(
    wishes: Iterable[tuple[str, int, str]], *, now: datetime
) -> dict[int, dict[str, dict[str, str]]]:
    """By customer and series their code, which is given to who has none; (slug, customer, language)
    are wished for. Three queries a series, five where codes are given."""
    by_slug: dict[str, dict[int, str]] = {}
    for slug, customer, language in wishes:
        by_slug.setdefault(slug, {})[customer] = language
    found: dict[int, dict[str, dict[str, str]]] = {}
    for one in CouponSeries.objects.filter(slug__in=by_slug) if by_slug else ():
        languages = by_slug[one.slug]
        for pk, code in coupons.give(one, list(languages), now=now).items():
            if code.is_valid_on(now.date()):
                found.setdefault(pk, {})[one.slug] = offers.coupon(code, languages[pk])
    return found


def shown(
    slugs: Iterable[str], customer: Customer, language: str, *, now: datetime
) -> dict[str, dict[str, str]]:
    """Their codes, or what a code would look like: none is given by looking."""
    found = {}
    for one in CouponSeries.objects.filter(slug__in=list(slugs)):
        code = coupons.of_series(one, [customer.pk]).get(customer.pk)
        if code is None and one.gives(now):
            sample = f"{one.prefix}{'X' * coupons.LETTERS}"
            texts = {"text_en": one.text_en, "text_zh": one.text_zh}
            code = Coupon(code=sample, valid_to=one.last_day(now), **texts)
        if code is not None:
            found[one.slug] = offers.coupon(code, language)
    return found


def placements(template: Template, language: str) -> list[str]:
    """The slugs of the placements whose decisions the template speaks of in this language."""
    return sorted(set(_DECIDED.findall(_source(template, language))))


def unknown_placements(template: Template) -> list[tuple[str, str]]:
    """(field, slug) of every placement that a template speaks of and nobody knows."""
    return _unknown(template, _DECIDED, Placement)


def unknown_series(template: Template) -> list[tuple[str, str]]:
    """(field, slug) of every coupon series that a template speaks of and nobody knows."""
    return _unknown(template, _SERIES, CouponSeries)


def _unknown(
    template: Template, spoken_of: re.Pattern[str], kind: type[Placement] | type[CouponSeries]
) -> list[tuple[str, str]]:
    spoken = [
        (f"{part}_{language}", slug)
        for language in ("en", "zh")
        for part in PARTS
        for slug in spoken_of.findall(getattr(template, f"{part}_{language}"))
    ]
    if not spoken:
        return []
    known = set(kind._default_manager.values_list("slug", flat=True))
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
    valid = Coupon.objects.of_no_series().valid_on(now.date()).order_by("valid_to", "pk")
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
