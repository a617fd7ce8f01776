"""A customer's own words on their page: opinions, needs, interests, where and when they react."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crm import interests, scores
from crm.models import Aspect, Customer

MOST = 5
# Marked for translation here, translated where it is read.
NEEDS = {
    "advice": gettext_noop("Product advice"),
    "price": gettext_noop("Prices and offers"),
    "delivery": gettext_noop("Delivery"),
    "after_sales": gettext_noop("Help after the sale"),
    "account": gettext_noop("Account and privacy"),
    "praise": gettext_noop("Praise"),
}
CHANNELS = {
    "email": gettext_noop("E-mail"),
    "chat": gettext_noop("Web chat"),
    "web": gettext_noop("Shop"),
}
DEEDS = {
    "viewed": gettext_noop("viewed"),
    "clicked": gettext_noop("clicked"),
    "asked": gettext_noop("asked"),
    "added": gettext_noop("put in the cart"),
    "wished": gettext_noop("wished for"),
    "bought": gettext_noop("bought"),
}


def build(customer: Customer) -> dict[str, Any]:
    """Six queries."""
    known = scores.of_customer(customer)
    names = {aspect.slug: str(aspect) for aspect in Aspect.objects.all()}
    return {
        "opinions": [
            {"opinion": one, "aspects": _aspects(one.aspects, names)}
            for one in customer.opinions.order_by("-at", "-pk")[:MOST]
        ],
        "interests": [_interest(one) for one in interests.of_customer(customer)],
        "needs": _needs(known.get("need")),
        "channel": _channel(known.get("channel")),
        "hour": _hour(known.get("hour")),
    }


def _aspects(found: list[dict[str, str]], names: dict[str, str]) -> list[dict[str, str]]:
    return [one | {"name": names.get(one["aspect"], one["aspect"])} for one in found]


def _interest(one: dict[str, Any]) -> dict[str, Any]:
    evidence = one["interest"].evidence
    # In this order, whichever one the database gives back.
    said = ((words, evidence[deed]) for deed, words in DEEDS.items() if deed in evidence)
    because = ", ".join(f"{_(words)} {times} ×" for words, times in said)
    return one | {"because": because}


def _needs(score: Any) -> dict[str, Any] | None:
    if score is None:
        return None
    shares = score.detail.get("shares", {})
    return {
        "shares": [(_(NEEDS[need]) if need in NEEDS else need, n) for need, n in shares.items()],
        "texts": score.detail.get("texts"),
        "quotes": score.detail.get("quotes", []),
    }


def _channel(score: Any) -> dict[str, Any] | None:
    if score is None:
        return None
    return {
        "name": _(CHANNELS[score.label]) if score.label in CHANNELS else "",
        "deeds": [(_(CHANNELS[key]), n) for key, n in score.detail.get("deeds", {}).items()],
    }


def _hour(score: Any) -> dict[str, Any] | None:
    if score is None:
        return None
    shares = score.detail.get("shares", [])
    top = max(shares, default=0) or 1
    return {
        "name": f"{score.label}:00" if score.label else "",
        "bars": [
            {"hour": hour, "height": round(100 * share / top), "is_best": share == top}
            for hour, share in enumerate(shares)
        ],
        "deeds": score.detail.get("deeds"),
    }
