"""Names in the reader's language, and money as people write it."""

from decimal import Decimal

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.ml.rfm import LABELS
from crm.models import Product

register = template.Library()
COLORS = {
    "black": _("black"),
    "white": _("white"),
    "blue": _("blue"),
    "red": _("red"),
    "green": _("green"),
    "silver": _("silver"),
    "pink": _("pink"),
    "grey": _("grey"),
}
FEATURES = {
    "5g": _("5G"),
    "anti_aging": _("anti-aging"),
    "automatic": _("automatic"),
    "battery": _("long battery life"),
    "business": _("for business"),
    "camera": _("great camera"),
    "capsule": _("for capsules"),
    "casual": _("casual"),
    "compact": _("compact"),
    "cordless": _("cordless"),
    "drawing": _("for drawing"),
    "espresso": _("for espresso"),
    "evening": _("for the evening"),
    "fast": _("fast"),
    "fitness": _("for fitness"),
    "gaming": _("for gaming"),
    "in_ear": _("in-ear"),
    "keep_warm": _("keeps warm"),
    "lightweight": _("lightweight"),
    "moisturising": _("moisturising"),
    "noise_cancelling": _("noise cancelling"),
    "over_ear": _("over-ear"),
    "pet": _("for pet hair"),
    "running": _("for running"),
    "selfie": _("for selfies"),
    "sensitive": _("for sensitive skin"),
    "slim": _("slim"),
    "small": _("small"),
    "smart": _("smart"),
    "sonic": _("sonic"),
    "student": _("for students"),
    "summer": _("for summer"),
    "sunscreen": _("sunscreen"),
    "travel": _("for travel"),
    "warm": _("warm"),
    "waterproof": _("waterproof"),
}
SIGNS = {"CNY": "¥", "GBP": "£", "EUR": "€", "USD": "$"}


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """¥2,699 or £2.55, −£7.50 given back: no pennies where there are none."""
    text = f"{abs(amount):,.2f}".removesuffix(".00")
    return f"{'−' if amount < 0 else ''}{SIGNS.get(currency, currency + ' ')}{text}"


@register.filter
def whole_money(amount: float, currency: str) -> str:
    """¥44,329: what is expected is not known to the penny."""
    return f"{SIGNS.get(currency, currency + ' ')}{amount:,.0f}"


@register.filter
def product_title(product: Product) -> str:
    return product.title_in(get_language() or "en")


@register.filter
def description(product: Product) -> str:
    chinese = (get_language() or "").startswith("zh")
    return (product.description_zh if chinese else "") or product.description_en


@register.filter
def picture(product: Product) -> str:
    return product.image or f"/shop/image/{product.sku}.svg"


@register.filter
def rfm_name(slug: str) -> str:
    """at_risk -> At risk or 流失风险."""
    chinese = (get_language() or "").startswith("zh")
    names = {label.slug: label.name_zh if chinese else label.name_en for label in LABELS}
    return names.get(slug, slug)


@register.filter
def color_name(slug: str) -> str:
    """black -> black or 黑色; a colour we have no word for stays as it is."""
    return str(COLORS.get(slug, slug))


@register.filter
def feature_name(slug: str) -> str:
    """noise_cancelling -> noise cancelling or 降噪; a shop's own ones without underscores."""
    return str(FEATURES.get(slug, slug.replace("_", " ")))
