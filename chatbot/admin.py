"""The staff's side of the chat: the queue, the conversation page as an inbox, what staff teach."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from unfold.decorators import display

from chatbot import conversation, inbox, staffing
from chatbot.ml.dialogue import HANDLERS
from chatbot.models import Answer, Conversation, Example, Handoff, Message, Ticket, Turn
from crm.listing import FastAdmin, ReadOnlyAdmin

TEACHABLE = sorted(set(HANDLERS) - {"clarify", "unsure", "silence", "set_slot", "confirm", "stop"})


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "customer",
        "shown_state",
        "assigned_to",
        "language",
        "last_seq",
        "updated_at",
    ]
    list_filter = ["state", "language"]
    list_select_related = ["customer", "assigned_to"]
    search_fields = ["=public_id", "=customer__email"]
    ordering = ["-updated_at", "-pk"]
    change_form_template = "chatbot/inbox.html"

    @display(
        description=_("state"),
        label={"bot": "info", "queued": "danger", "agent": "success", "snoozed": "warning"},
    )
    def shown_state(self, chat: Conversation) -> tuple[str, str]:
        return chat.state, chat.get_state_display()

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/messages/", view(require_GET(self.messages)), name="chatbot_messages"),
            path("<int:pk>/do/", view(require_POST(self.do)), name="chatbot_do"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        chat = get_object_or_404(Conversation.objects.select_related("customer"), pk=object_id)
        context = {
            **(extra_context or {}),
            **inbox.beside(chat.customer),
            "chat": chat,
            "intents": TEACHABLE,
            "tickets": list(chat.tickets.order_by("-id")[:5]),
        }
        return super().change_view(request, object_id, form_url, context)

    def messages(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is new, for the page that polls."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chat = get_object_or_404(Conversation.objects.select_related("assigned_to"), pk=pk)
        after = request.GET.get("after", "0")
        return JsonResponse(inbox.snapshot(chat, after=int(after) if after.isdigit() else 0))

    def do(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take over, answer, hand back, close or correct; the reply says what went wrong."""
        if not request.user.has_perm("chatbot.change_conversation"):
            raise PermissionDenied
        chat = get_object_or_404(Conversation, pk=pk)
        try:
            wanted = json.loads(request.body or b"{}")
            self._do(chat, request, wanted)
        except (json.JSONDecodeError, KeyError, AttributeError):
            return JsonResponse({"error": str(_("The request could not be read."))}, status=400)
        except (
            staffing.NotYours,
            inbox.NothingToCorrect,
            conversation.Empty,
            conversation.TooLong,
        ) as refusal:
            return JsonResponse({"error": str(refusal)}, status=409)
        chat.refresh_from_db()
        return JsonResponse({"state": chat.state, "state_label": chat.get_state_display()})

    def _do(self, chat: Conversation, request: HttpRequest, wanted: dict[str, Any]) -> None:
        staff: Any = request.user  # a member of staff: the admin let them in
        now = timezone.localtime()
        match wanted["action"]:
            case "take_over":
                staffing.take_over(chat.pk, staff, now=now)
            case "answer":
                staffing.answer_as_staff(
                    chat.pk,
                    staff,
                    str(wanted["text"]),
                    now=now,
                    client_id=str(wanted.get("client_id", "")),
                )
            case "release":
                staffing.release(chat.pk, now=now)
            case "resolve":
                staffing.resolve(chat.pk, now=now)
            case "correct":
                message = get_object_or_404(Message, pk=wanted["message"], conversation=chat)
                inbox.correct(message, intent=str(wanted["intent"]), now=now)
            case unknown:
                raise KeyError(unknown)


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


@admin.register(Example)
class ExampleAdmin(FastAdmin):
    list_display = ["text", "intent", "language", "source", "created_at"]
    list_filter = ["source", "language", "intent"]
    search_fields = ["text__startswith", "=intent"]
    fields = ["text", "intent", "language"]
    ordering = ["-created_at", "-pk"]

    def save_model(self, request: HttpRequest, obj: Example, form: Any, change: bool) -> None:
        obj.source = Example.Source.STAFF
        obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(Answer)
class AnswerAdmin(FastAdmin):
    list_display = ["slug", "question_en", "question_zh", "is_active", "updated_at"]
    list_filter = ["is_active"]
    search_fields = ["slug", "question_en", "question_zh"]
    ordering = ["slug"]


@admin.register(Ticket)
class TicketAdmin(FastAdmin):
    list_display = ["number", "subject", "customer", "state", "opened_at"]
    list_filter = ["state"]
    list_select_related = ["customer"]
    search_fields = ["=number"]
    readonly_fields = ["number", "conversation", "customer", "subject", "opened_at"]
    ordering = ["-opened_at", "-pk"]


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyAdmin):
    list_display = [
        "conversation",
        "reason",
        "requested_at",
        "accepted_at",
        "first_answer_at",
        "closed_at",
    ]
    list_select_related = ["conversation"]
    ordering = ["-requested_at", "-pk"]


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "message", "latency_ms", "version", "created_at"]
    list_select_related = ["message"]
    ordering = ["-pk"]
