"""Shares as people read them, and how deep a cell of a heat map is."""

from django import template
from django.utils.formats import number_format

from crm import learned

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """.1267 -> 13 %, .0126 -> 1.3 % and .0001 -> < 0.1 %: small shares differ in a decimal."""
    if share is None:
        return "–"
    if 0 < abs(share) < 0.0005:
        return f"< {number_format(0.1)} %"
    digits = 1 if 0 < abs(share) < 0.0995 else 0
    return f"{number_format(f'{100 * share:.{digits}f}')} %"  # number_format itself cuts


@register.filter
def times(ratio: float) -> str:
    """2.54 -> 2.5 ×, and .01 -> < 0.1 ×."""
    if 0 < ratio < 0.05:
        return f"< {number_format(0.1)} ×"
    return f"{number_format(f'{ratio:.1f}')} ×"


@register.filter
def of_most(share: float, most: float) -> str:
    """How deep a cell is, 0 to 1, as CSS reads it in every language."""
    return f"{min(share / most, 1.0) if most else 0.0:.3f}"


@register.filter
def size(weight: float) -> str:
    """A weight of -100 to 100 as the length of a bar, 0 to 1."""
    return f"{min(abs(weight) / 100, 1.0):.3f}"


@register.filter
def version_name(version: str) -> str:
    """lifetime#12 -> Value to come #12."""
    return learned.version(version)


@register.filter
def reason_words(reason: str) -> str:
    """Why an estimator serves, or does not, in the reader's language."""
    return learned.reason(reason)
