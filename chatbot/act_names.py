"""What the bot's acts are called on the staff's pages, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, str | Promise] = {
    "aborted": _("stopped"),
    "added_to_cart": _("put into the cart"),
    "answer_faq": _("answered a common question"),
    "ask_address": _("asked for an address"),
    "ask_category": _("asked for a category"),
    "ask_channel": _("asked for a channel"),
    "ask_confirm": _("asked to confirm"),
    "ask_order_id": _("asked for an order"),
    "ask_product": _("asked for a product"),
    "ask_return_type": _("asked how to return"),
    "bot_returned": _("the bot is back"),
    "bye": _("said goodbye"),
    "campaign": _("message of a campaign"),
    "cannot_cancel": _("could not cancel"),
    "cannot_undo": _("could not take it back"),
    "chitchat_reply": _("small talk"),
    "compare_products": _("compared products"),
    "explain_recommendation": _("explained a recommendation"),
    "fallback_clarify": _("did not understand"),
    "feedback_recorded": _("noted feedback"),
    "greet": _("greeted"),
    "handoff": _("handed over to staff"),
    "no_coupon": _("found no coupon"),
    "no_result": _("found nothing"),
    "offer_callback": _("offered a call back"),
    "order_cancelled": _("cancelled an order"),
    "order_changed": _("changed an order"),
    "order_not_found": _("found no such order"),
    "privacy_started": _("began a privacy request"),
    "refuse": _("refused"),
    "repeat_last": _("said it again"),
    "resubscribed": _("subscribed again"),
    "return_created": _("opened a return"),
    "return_refused": _("refused a return"),
    "show_coupons": _("showed coupons"),
    "show_order_status": _("told the state of an order"),
    "show_product_detail": _("told about a product"),
    "show_products": _("showed products"),
    "still_waiting": _("asked for patience"),
    "stay_silent": _("stayed silent"),
    "ticket_opened": _("opened a ticket"),
    "undone": _("took it back"),
    "unsubscribed": _("unsubscribed"),
    "verify_identity": _("asked for proof of identity"),
    "welcome": _("welcomed"),
}


def name_of(act: str) -> str:
    return str(NAMES.get(act, act))
