"""The kinds of events that webhooks may carry, and which of them somebody wants now."""

from collections.abc import Mapping

from django.core.cache import cache
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import Webhook

WANTED = "webhooks:wanted"
KNOWN_FOR = 5  # seconds that a process without a shared cache may not know of a new webhook
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


def wanted() -> frozenset[str]:
    """The kinds that any webhook wants to hear of at present."""
    known: frozenset[str] | None = cache.get(WANTED)
    if known is None:
        lists = Webhook.objects.live().values_list("kinds", flat=True)
        known = frozenset(kind for kinds in lists for kind in kinds)
        cache.set(WANTED, known, KNOWN_FOR)
    return known


def forget() -> None:
    """What is wanted has changed: nobody may go by what was known, nor by what was read before."""
    cache.delete(WANTED)
    transaction.on_commit(lambda: cache.delete(WANTED))
