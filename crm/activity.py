"""The timeline of a customer in words, a page at a time, of all that happened or of one kind."""

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.utils.translation import get_language, gettext_lazy, gettext_noop
from django.utils.translation import gettext as _

from crm.ml.needs import OF_INTENT, OTHER
from crm.models import Customer, Event, Product, Segment
from crm.voice import need_name

PAGE = 30
# What staff can ask for: its name, and which events belong to it.
GROUPS: dict[str, tuple[Any, Q]] = {
    "orders": (gettext_lazy("Orders"), Q(kind__startswith="crm.order_")),
    "browsing": (
        gettext_lazy("Browsing"),
        Q(kind__startswith="crm.product") | Q(kind__in=["crm.page", "crm.screen"]),
    ),
    "chat": (gettext_lazy("Chat"), Q(kind__startswith="chatbot.")),
    "messages": (gettext_lazy("Messages"), Q(kind__startswith="campaigns.")),
    "shown": (gettext_lazy("Recommendations"), Q(kind__startswith="recommendations.")),
    "opinions": (gettext_lazy("Feedback"), Q(kind="crm.feedback_given")),
    "standing": (
        gettext_lazy("Segments and consents"),
        Q(kind__startswith="crm.segment_") | Q(kind="crm.consent_changed"),
    ),
}
# Marked for translation here, translated where it is read.
KINDS: dict[str, tuple[str, str]] = {
    "crm.order_placed": ("shopping_bag", gettext_noop("Placed an order")),
    "crm.order_refunded": ("undo", gettext_noop("Was refunded")),
    "crm.product_viewed": ("visibility", gettext_noop("Looked at a product")),
    "crm.product_added": ("add_shopping_cart", gettext_noop("Put a product in the cart")),
    "crm.identified": ("person", gettext_noop("Introduced themselves")),
    "crm.consent_changed": ("verified_user", gettext_noop("Changed a consent")),
    "crm.feedback_given": ("star", gettext_noop("Gave feedback")),
    "crm.page": ("web", gettext_noop("Visited a page")),
    "chatbot.message_received": ("chat", gettext_noop("Wrote in the chat")),
    "chatbot.handoff_requested": ("support_agent", gettext_noop("Asked for a person")),
    "campaigns.message_sent": ("send", gettext_noop("Was sent a message")),
    "campaigns.message_opened": ("drafts", gettext_noop("Opened a message")),
    "campaigns.message_clicked": ("ads_click", gettext_noop("Clicked in a message")),
    "campaigns.message_bounced": ("unpublished", gettext_noop("A message did not arrive")),
    "campaigns.message_complained": ("report", gettext_noop("Complained of a message")),
    "campaigns.message_replied": ("reply", gettext_noop("Answered a message")),
    "campaigns.offer_shown": ("local_offer", gettext_noop("Was shown an offer")),
    "campaigns.offer_clicked": ("ads_click", gettext_noop("Clicked an offer")),
    "campaigns.unsubscribed": ("unsubscribe", gettext_noop("Unsubscribed")),
    "chatbot.agent_answered": ("support_agent", gettext_noop("Was answered by a person")),
    "chatbot.conversation_resolved": (
        "check_circle",
        gettext_noop("The conversation was resolved"),
    ),
    "chatbot.ticket_opened": ("confirmation_number", gettext_noop("Opened a ticket")),
    "chatbot.privacy_requested": ("shield_person", gettext_noop("Made a privacy request")),
    "chatbot.conversation_rated": ("thumbs_up_down", gettext_noop("Rated the conversation")),
    "crm.segment_entered": ("login", gettext_noop("Entered a segment")),
    "crm.segment_left": ("logout", gettext_noop("Left a segment")),
    "crm.product_removed": ("remove_shopping_cart", gettext_noop("Took a product out of the cart")),
    "crm.products_searched": ("search", gettext_noop("Searched for products")),
    "crm.coupon_applied": ("sell", gettext_noop("Used a coupon")),
    "recommendations.products_shown": ("recommend", gettext_noop("Was shown recommendations")),
    "recommendations.product_clicked": ("ads_click", gettext_noop("Clicked a recommendation")),
    "recommendations.product_disliked": (
        "thumb_down",
        gettext_noop("Does not want to see a product"),
    ),
    "recommendations.dislike_taken_back": (
        "undo",
        gettext_noop("Wants to see a product after all"),
    ),
}


class UnknownGroup(Exception):
    """Nothing on the timeline is called that."""


def page(customer: Customer, *, group: str = "", before: int | None = None) -> dict[str, Any]:
    """One page of the timeline, newest first; two queries at most.

    before: id of the last event of the page before. Raises UnknownGroup.
    """
    events = Event.objects.filter(customer=customer)
    if group:
        if group not in GROUPS:
            raise UnknownGroup(group)
        events = events.filter(GROUPS[group][1])
    last = Event.objects.filter(customer=customer, pk=before).first() if before else None
    if last is not None:
        # The page before may have ended in the middle of a moment.
        earlier = Q(happened_at__lt=last.happened_at)
        events = events.filter(earlier | Q(happened_at=last.happened_at, pk__lt=last.pk))
    rows = list(_with_products(events).order_by("-happened_at", "-pk")[: PAGE + 1])
    return {
        "events": [{"event": event, **in_words(event)} for event in rows[:PAGE]],
        "groups": [(name, title) for name, (title, _which) in GROUPS.items()],
        "group": group,
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
    }


def _with_products(events: QuerySet[Event]) -> QuerySet[Event]:
    product = Product.objects.filter(sku=OuterRef("sku"))
    segment = Segment.objects.filter(slug=OuterRef("segment"))
    return events.annotate(
        sku=KT("data__sku"),
        segment=KT("data__segment"),
        segment_en=Subquery(segment.values("name_en")[:1]),
        segment_zh=Subquery(segment.values("name_zh")[:1]),
        product_en=Subquery(product.values("title_en")[:1]),
        product_zh=Subquery(product.values("title_zh")[:1]),
    )


def in_words(event: Event) -> dict[str, str]:
    """What one event says, for a reader: an icon, a title and a detail."""
    icon, title = KINDS.get(event.kind, ("bolt", ""))
    return {
        "icon": icon,
        "title": _(title) if title else (event.name or event.kind),
        "detail": _detail(event),
    }


def _detail(event: Event) -> str:
    data = event.data
    chinese = (get_language() or "").startswith("zh")
    product = getattr(event, "product_zh" if chinese else "product_en", "") or data.get("sku")
    need = OF_INTENT.get(str(data.get("intent")), OTHER)
    if need != OTHER:
        return need_name(need)
    english = getattr(event, "segment_en", None)
    segment = (getattr(event, "segment_zh", None) if chinese else english) or english
    told = (segment, *(data.get(key) for key in ("number", "query", "segment", "reason")))
    detail = product or next((value for value in told if isinstance(value, str)), "")
    return str(detail)
