"""What stands around every message (templates/campaigns/email.*): rendered once, filled often.

Django's engine takes ten times as long for the frame of a mail as Liquid for its words.
"""

import re
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils import translation

_MARK = re.compile("\ue000([a-z_]+)\ue001")  # of the private area: in no template of ours
_VARIABLES = ("subject", "body", "text", "pixel", "trap", "preferences_url")


def fill(name: str, locale: str, shop: dict[str, str], values: dict[str, str]) -> str:
    """The frame `name` with these values, which are safe where they stand. `pixel` may be ""."""
    pieces = list(_pieces(name, locale, shop["name"], shop["url"], bool(values["pixel"])))
    pieces[1::2] = [values[variable] for variable in pieces[1::2]]
    return "".join(pieces)


@lru_cache(maxsize=64)
def _pieces(name: str, locale: str, shop: str, url: str, has_pixel: bool) -> tuple[str, ...]:
    """Text and variable in turn, beginning and ending with text."""
    marks = {variable: f"\ue000{variable}\ue001" for variable in _VARIABLES}
    if not has_pixel:
        marks["pixel"] = ""
    around = {**marks, "language": locale, "shop": {"name": shop, "url": url}}
    with translation.override(locale):
        return tuple(_MARK.split(render_to_string(f"campaigns/{name}", around)))
