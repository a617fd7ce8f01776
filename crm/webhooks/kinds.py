"""The kinds of events that webhooks may carry, and which of them somebody wants now."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import Webhook
from crm.wanted import Wanted

TEST = "webhook.test"

KINDS: dict[str, Promise] = {
    "crm.product_viewed": _("looked at a product"),
    "crm.product_added": _("put a product into the cart"),
    "crm.product_removed": _("took a product out of the cart"),
    "crm.product_wished": _("put a product on the wish list"),
    "crm.products_searched": _("searched for products"),
    "crm.coupon_applied": _("used a coupon"),
    "crm.order_placed": _("placed an order"),
    "crm.order_refunded": _("got an order refunded"),
    "crm.feedback_given": _("gave feedback"),
    "crm.consent_changed": _("changed a consent"),
    "crm.identified": _("said who they are"),
    "crm.tracked": _("did something of another name"),
    "crm.segment_entered": _("came into a segment"),
    "crm.segment_left": _("left a segment"),
}
SENT: dict[str, Promise] = {TEST: _("a test message")}  # what nobody can subscribe to


def register_kinds(names: Mapping[str, Promise]) -> None:
    """Apps above add what they tell."""
    KINDS.update(names)


# The kinds that any webhook wants to hear of at present.
wanted = Wanted("webhooks", lambda: Webhook.objects.live().values_list("kinds", flat=True))
forget = wanted.forget
