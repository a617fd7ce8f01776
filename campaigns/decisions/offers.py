"""What is offered, as messages, pages and templates speak of it: texts and addresses, no rows."""

from datetime import datetime
from urllib.parse import quote

from django.conf import settings

from campaigns.decisions.deciding import Decided
from campaigns.models import Coupon
from crm.models import Product

Said = dict[str, object]


def named(**fields: object) -> Said:
    """Leave out what is empty, so that `default` helps and the preview says what is missing."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


def coupon(one: Coupon, language: str) -> dict[str, str]:
    return {
        "code": one.code,
        "text": one.text_in(language),
        "valid_to": one.valid_to.isoformat(),
    }


def product(one: Product, language: str) -> Said:
    return named(
        title=one.title_in(language),
        price=f"{one.price:,.2f}",
        currency=one.currency,
        url=f"{settings.SITE_URL}/product/{quote(one.sku)}/",
        image=_absolute(one.image),
    )


def decided(one: Decided, language: str, *, now: datetime) -> Said:
    """The action that was chosen, by `action`, `name` and what comes with it; {}: nothing is done.

    A coupon of somebody else, or one that is over by now, is not told of.
    """
    if (action := one.action) is None:
        return {}
    offered = product(action.product, language) if action.product else None
    own = action.coupon if action.coupon and action.coupon.is_valid_on(now.date()) else None
    if own and own.customer_id not in (None, one.customer_id):
        own = None
    return named(
        decision=str(one.public_id),
        action=action.slug,
        name=action.name_in(language),
        value=f"{action.value:,.2f}" if action.value else "",
        product=offered,
        coupon=coupon(own, language) if own else None,
        url=offered["url"] if offered else settings.SITE_URL,
    )


def _absolute(image: str) -> str:
    return f"{settings.SITE_URL}{image}" if image.startswith("/") else image
