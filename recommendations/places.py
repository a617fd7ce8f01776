"""Where lists are shown, in words. A shop's own placements are called what it calls them."""

from django.utils.translation import gettext_lazy as _

NAMES = {
    "home": _("home page"),
    "product": _("product page"),
    "cart": _("cart"),
    "chat": _("chat"),
}


def name_of(placement: str) -> str:
    return str(NAMES.get(placement, placement)) or "–"
