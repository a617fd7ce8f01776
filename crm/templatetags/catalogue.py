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
SIGNS = {"CNY": "¥", "GBP": "£", "EUR": "€", "USD": "$"}


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """¥2,699 or £2.55: no pennies where there are none."""
    text = f"{amount:,.2f}".removesuffix(".00")
    return f"{SIGNS.get(currency, currency + ' ')}{text}"


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
