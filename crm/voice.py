"""A customer's own words on their page: opinions, needs, interests, where and when they react."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crm import interests, scores
from crm.models import Aspect, Customer, Interest
from crm.templatetags.catalogue import feature_name

MOST = 5
# Marked for translation here, translated where it is read.
NEEDS = {
    "advice": gettext_noop("Product advice"),
    "price": gettext_noop("Prices and offers"),
    "delivery": gettext_noop("Delivery"),
    "after_sales": gettext_noop("Help after the sale"),
    "account": gettext_noop("Account and privacy"),
    "praise": gettext_noop("Praise"),
    "other": gettext_noop("Something else"),
}
CHANNELS = {
    "email": gettext_noop("E-mail"),
    "chat": gettext_noop("Web chat"),
    "web": gettext_noop("Shop"),
}
DEEDS = {
    "viewed": gettext_noop("looked at %(times)s ×"),
    "clicked": gettext_noop("clicked %(times)s ×"),
    "asked": gettext_noop("asked for %(times)s ×"),
    "added": gettext_noop("put in the cart %(times)s ×"),
    "wished": gettext_noop("wished for %(times)s ×"),
    "bought": gettext_noop("bought %(times)s ×"),
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


def need_name(need: str) -> str:
    return _(NEEDS[need]) if need in NEEDS else need


def _aspects(found: list[dict[str, str]], names: dict[str, str]) -> list[dict[str, str]]:
    return [one | {"name": names.get(one["aspect"], one["aspect"])} for one in found]


def _interest(one: dict[str, Any]) -> dict[str, Any]:
    evidence = one["interest"].evidence
    # In this order, whichever one the database gives back.
    said = ((words, evidence[deed]) for deed, words in DEEDS.items() if deed in evidence)
    because = _(", ").join(_(words) % {"times": times} for words, times in said)
    is_feature = one["interest"].kind == Interest.Kind.FEATURE
    name = feature_name(one["interest"].value) if is_feature else one["name"]
    return one | {"because": because, "name": name}


def _needs(score: Any) -> dict[str, Any] | None:
    if score is None:
        return None
    shares = score.detail.get("shares", {})
    return {
        "shares": [(need_name(need), n) for need, n in shares.items()],
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
