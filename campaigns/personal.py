"""What a template may say of one customer: a coupon, recommendations. Asked only where it does."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings

from campaigns.models import Coupon, Template
from crm.models import Customer
from recommendations import serving

PRODUCTS = 6


def wanted(template: Template, language: str) -> Collection[str]:
    """Which of them the template speaks of in this language."""
    parts = (getattr(template, f"{part}_{language}") for part in ("subject", "body", "text"))
    source = "".join(parts)
    return [name for name in ("coupon", "recommendations") if name in source]


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
            mine["coupon"] = _said(coupon, language)
        if "recommendations" in names:
            mine["recommendations"] = _recommended(customer, language, now=now)
    return found


def named(**fields: object) -> dict[str, object]:
    """Leave out what is empty, so that `default` helps and the preview says what is missing."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


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


def _said(coupon: Coupon, language: str) -> dict[str, str]:
    return {
        "code": coupon.code,
        "text": coupon.text_in(language),
        "valid_to": coupon.valid_to.isoformat(),
    }


def _recommended(customer: Customer, language: str, *, now: datetime) -> list[dict[str, object]]:
    found = serving.recommend(customer, n=PRODUCTS, now=now, placement="campaign")
    return [
        named(
            title=one.product.title_in(language),
            price=f"{one.product.price:,.2f}",
            currency=one.product.currency,
            url=f"{settings.SITE_URL}/product/{quote(one.product.sku)}/",
            image=_absolute(one.product.image),
            reason=one.reason(language),
        )
        for one in found
    ]


def _absolute(image: str) -> str:
    return f"{settings.SITE_URL}{image}" if image.startswith("/") else image
