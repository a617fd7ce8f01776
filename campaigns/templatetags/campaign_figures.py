"""Numbers of the result page as people read them."""

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def points(value: float) -> str:
    """A difference of shares in percentage points, always with its sign."""
    return f"{value * 100:+.1f}".replace("-", "−")


@register.filter
def percent(value: float) -> str:
    return f"{value * 100:.1f} %"


@register.filter
def share(part: int, whole: int) -> str:
    return percent(part / whole if whole else 0.0)


@register.filter
def count(value: float) -> str:
    """A number of customers, with its sign where it is below nought."""
    return f"{value:,.0f}".replace("-", "−")


@register.filter
def money(value: float) -> str:
    return f"{value:,.2f}".replace("-", "−")


@register.filter
def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@register.filter
def with_p(value: float) -> str:
    return f"p {p_value(value)}" if value < 0.001 else f"p = {p_value(value)}"


@register.filter
def css(value: float) -> str:
    """A number for a style attribute, whatever the reader's decimal sign."""
    return f"{value:.2f}"


@register.filter
def of(words: Mapping[str, object], code: str) -> str:
    return str(words.get(code, code))
