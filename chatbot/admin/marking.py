"""A message with everything marked that was understood in it."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SLOTS = {
    "aspect": gettext_lazy("asked about"),
    "brand": gettext_lazy("brand"),
    "brand_any": gettext_lazy("any brand"),
    "category": gettext_lazy("category"),
    "channel": gettext_lazy("channel"),
    "color": gettext_lazy("colour"),
    "date": gettext_lazy("date"),
    "exclude_brand": gettext_lazy("not this brand"),
    "exclude_category": gettext_lazy("not this category"),
    "feature": gettext_lazy("feature"),
    "goods": gettext_lazy("not sold here"),
    "order_id": gettext_lazy("order number"),
    "ordinal": gettext_lazy("place in the list"),
    "other_brand": gettext_lazy("another brand"),
    "price_any": gettext_lazy("any price"),
    "price_max": gettext_lazy("price at most"),
    "price_min": gettext_lazy("price at least"),
    "price_near": gettext_lazy("price about"),
    "product": gettext_lazy("product"),
    "quantity": gettext_lazy("quantity"),
    "recipient": gettext_lazy("for whom"),
    "relative": gettext_lazy("compared"),
    "return_type": gettext_lazy("return or exchange"),
    "size": gettext_lazy("size"),
}
Span = Sequence[Any]  # slot, value, start, end


def marked(text: str, spans: Sequence[Span]) -> SafeString:
    """The text as HTML, each thing named within it marked with what it was taken for. Of things
    that overlap the first and longest is marked; a text that was erased shows none."""
    parts: list[SafeString] = []
    at = 0
    for start, end in sorted(
        {(s[2], s[3]) for s in spans}, key=lambda place: (place[0], -place[1])
    ):
        if at <= start < end <= len(text):
            labels = ", ".join(_label(s) for s in spans if (s[2], s[3]) == (start, end))
            named = format_html("<mark>{}</mark><sub>{}</sub>", text[start:end], labels)
            parts += [format_html("{}", text[at:start]), named]
            at = end
    parts.append(format_html("{}", text[at:]))
    return format_html_join("", "{}", ((part,) for part in parts))


def _label(span: Span) -> str:
    name = str(SLOTS.get(span[0], span[0]))
    return name if span[1] is True else _("%(slot)s: %(value)s") % {"slot": name, "value": span[1]}
