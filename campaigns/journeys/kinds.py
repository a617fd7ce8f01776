"""The kinds of events that journeys speak of, and which of them somebody waits for now."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.journeys.graph import Graph
from campaigns.models import Journey
from crm.wanted import Wanted

SEGMENT_ENTERED = "crm.segment_entered"
KINDS: dict[str, Promise] = {
    "crm.product_viewed": _("looked at a product"),
    "crm.product_added": _("put a product into the cart"),
    "crm.product_removed": _("took a product out of the cart"),
    "crm.product_wished": _("put a product on the wish list"),
    "crm.products_searched": _("searched for products"),
    "crm.order_placed": _("placed an order"),
    "crm.order_refunded": _("got an order refunded"),
    "crm.feedback_given": _("gave feedback"),
    "crm.consent_changed": _("changed a consent"),
    "crm.identified": _("said who they are"),
    "crm.tracked": _("did something of another name"),
    "crm.segment_entered": _("came into a segment"),
    "crm.segment_left": _("left a segment"),
    "campaigns.message_opened": _("opened a message"),
    "campaigns.message_clicked": _("clicked in a message"),
    "campaigns.offer_shown": _("saw an offer on a page"),
    "campaigns.offer_clicked": _("clicked an offer on a page"),
    "campaigns.price_dropped": _("a product they looked at became cheaper"),
    "campaigns.back_in_stock": _("a product they looked at is back"),
    "chatbot.message_received": _("wrote in the chat"),
    "chatbot.handoff_requested": _("asked for a person in the chat"),
    "chatbot.conversation_rated": _("rated a chat"),
}


def of(journey: Journey, graph: Graph) -> list[str]:
    """The kinds of events that a journey with this graph has to hear of."""
    found = {journey.goal_event, journey.exit_event}
    entry = graph.entry.data
    if entry["trigger"] == "event":
        found.add(entry["event"])
    if entry["trigger"] == "segment":
        found.add(SEGMENT_ENTERED)
    found |= {node.data["event"] for node in graph.of_kind("wait") if node.mode == "event"}
    return sorted(found - {""})


# The kinds that any journey wants to hear of at present.
wanted = Wanted("journeys", lambda: Journey.objects.listening().values_list("listens", flat=True))
forget = wanted.forget
