"""What was said, handed over and complained of: lists to look things up in."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chatbot.admin import marking
from chatbot.models import Handoff, Message, Ticket, Turn
from crm.listing import FastAdmin, ReadOnlyAdmin


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """What the bot was unsure about comes first."""

    list_display = [
        "shown_text",
        "intent",
        "confidence",
        "sender",
        "rating",
        "conversation",
        "created_at",
    ]
    list_filter = ["sender", "rating", "language"]
    list_select_related = ["conversation"]
    ordering = ["-id"]
    sortable_by = ["confidence", "created_at"]

    @display(description=_("text"))
    def shown_text(self, message: Message) -> str:
        return message.text[:80]

    @display(description=_("intent"))
    def intent(self, message: Message) -> str:
        return str((message.payload.get("intent") or {}).get("name", "–"))


@admin.register(Ticket)
class TicketAdmin(FastAdmin):
    list_display = ["number", "kind", "subject", "customer", "contact", "state", "opened_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["customer"]
    search_fields = ["=number"]
    readonly_fields = [
        "number",
        "kind",
        "conversation",
        "customer",
        "subject",
        "contact",
        "opened_at",
    ]
    ordering = ["-opened_at", "-pk"]


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyAdmin):
    list_display = [
        "conversation",
        "reason",
        "staff",
        "requested_at",
        "accepted_at",
        "first_answer_at",
        "closed_at",
        "agreed",
    ]
    list_select_related = ["conversation", "staff"]
    ordering = ["-requested_at", "-pk"]


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "message", "latency_ms", "version", "created_at"]
    list_select_related = ["message"]
    ordering = ["-pk"]
    readonly_fields = ["reading"]

    @display(description=_("what the bot understood"))
    def reading(self, turn: Turn) -> str:
        return marking.marked(turn.message.text, turn.heard.get("spans", []))
