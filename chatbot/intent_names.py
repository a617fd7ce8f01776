"""What intents are called on the staff's pages, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, str | Promise] = {
    "abort": _("stops or takes back"),
    "add_to_cart": _("puts into the cart"),
    "affirm": _("says yes"),
    "cancel_order": _("cancels an order"),
    "change_order": _("changes an order"),
    "chitchat": _("small talk"),
    "compare": _("compares products"),
    "complaint": _("complains"),
    "coupon": _("asks for coupons"),
    "deny": _("says no"),
    "faq": _("asks a common question"),
    "feedback_neg": _("does not like it"),
    "feedback_pos": _("likes it"),
    "goodbye": _("says goodbye"),
    "greet": _("greets"),
    "human": _("wants a person"),
    "inform": _("gives what was asked for"),
    "order_status": _("asks about an order"),
    "out_of_scope": _("something else"),
    "privacy_request": _("asks about personal data"),
    "product_info": _("asks about a product"),
    "recommend": _("looks for products"),
    "refine": _("narrows the search"),
    "repeat": _("wants it said again"),
    "return_request": _("returns an order"),
    "select": _("chooses a product"),
    "subscribe": _("subscribes"),
    "thanks": _("says thanks"),
    "unsafe": _("attack or abuse"),
    "unsubscribe": _("unsubscribes"),
    "why": _("asks why"),
}


def name_of(intent: str) -> str:
    """An intent that staff added is called as they called it."""
    return str(NAMES.get(intent, intent))
