"""Shares as people read them, and how deep a cell of a heat map is."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import get_language

from crm.models import Segment

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """.1234 -> 12 %, and .012 -> 1.2 %: small shares differ in their first decimal."""
    if share is None:
        return "–"
    digits = 1 if 0 < abs(share) < 0.1 else 0
    return f"{number_format(100 * share, digits)} %"


@register.filter
def of_most(share: float, most: float) -> str:
    """How deep a cell is, 0 to 1, as CSS reads it in every language."""
    return f"{min(share / most, 1.0) if most else 0.0:.3f}"


@register.filter
def size(weight: float) -> str:
    """A weight of -100 to 100 as the length of a bar, 0 to 1."""
    return f"{min(abs(weight) / 100, 1.0):.3f}"


@register.filter
def described(segment: Segment) -> str:
    chinese = (get_language() or "").startswith("zh")
    return (segment.description_zh if chinese else "") or segment.description_en
