"""The conversation page as an inbox: everything that staff may do in a chat."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from unfold.decorators import display

from chatbot import conversation, inbox, staffing, suggestions
from chatbot.admin import desk, pages
from chatbot.desk import LANGUAGES
from chatbot.ml.dialogue import HANDLERS
from chatbot.models import Conversation, Message
from crm.listing import ReadOnlyAdmin

OWN = {"clarify", "unsure", "silence", "set_slot", "confirm", "stop", "undo"}  # no intents
TEACHABLE = sorted(set(HANDLERS) - OWN)

Wanted = dict[str, Any]
SLUG = re.compile(r"[\w-]{1,64}", re.ASCII)
LONG = 60 * 24 * 365  # minutes; a longer time is refused as well, and no number overflows


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "customer",
        "shown_state",
        "assigned_to",
        "spoken",
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
        label={
            "bot": "info",
            "queued": "danger",
            "agent": "success",
            "snoozed": "warning",
            "resolved": "default",
        },
    )
    def shown_state(self, chat: Conversation) -> tuple[str, str]:
        return chat.state, chat.get_state_display()

    @display(description=_("language"), ordering="language")
    def spoken(self, chat: Conversation) -> str:
        return str(LANGUAGES.get(chat.language, chat.language))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/messages/", view(require_GET(self.messages)), name="chatbot_messages"),
            path("<int:pk>/do/", view(require_POST(self.do)), name="chatbot_do"),
            path(
                "<int:pk>/suggestions/",
                view(require_GET(self.suggestions)),
                name="chatbot_suggestions",
            ),
            path("figures/", view(require_GET(pages.figures)), name="chatbot_figures"),
            path(
                "learning/",
                view(require_GET(pages.learning)),
                {"intents": TEACHABLE},
                name="chatbot_learning",
            ),
            path("waiting/", view(require_GET(desk.page)), name="chatbot_waiting"),
            path("waiting/rows/", view(require_GET(desk.rows)), name="chatbot_waiting_rows"),
            path("waiting/beat/", view(require_POST(desk.beat)), name="chatbot_beat"),
            path("waiting/next/", view(require_POST(desk.take_next)), name="chatbot_next"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        chat = get_object_or_404(Conversation.objects.select_related("customer"), pk=object_id)
        context = {
            **(extra_context or {}),
            **inbox.beside(chat.customer, now=timezone.now()),
            "chat": chat,
            "intents": TEACHABLE,
            "may_act": request.user.has_perm(desk.MAY_ACT),
        }
        return super().change_view(request, object_id, form_url, context)

    def messages(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is new, for the page that polls."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chat = get_object_or_404(Conversation.objects.select_related("assigned_to"), pk=pk)
        after, notes = _number(request, "after"), _number(request, "notes")
        return JsonResponse(inbox.snapshot(chat, after=after, notes_after=notes))

    def suggestions(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replies to choose from, for whoever may answer."""
        if not request.user.has_perm(desk.MAY_ACT):
            raise PermissionDenied
        staff: Any = request.user
        chat = get_object_or_404(Conversation.objects.select_related("customer"), pk=pk)
        return JsonResponse(suggestions.of(chat, staff, now=timezone.localtime()))

    def do(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take over, answer, note, put aside, hand back, close or correct; the reply says what
        went wrong."""
        if not request.user.has_perm(desk.MAY_ACT):
            raise PermissionDenied
        chat = get_object_or_404(Conversation, pk=pk)
        try:
            wanted = json.loads(request.body or b"{}")
            staff: Any = request.user  # a member of staff: the admin let them in
            DEEDS[wanted["action"]](chat, staff, wanted, timezone.localtime())
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
            return JsonResponse({"error": str(_("The request could not be read."))}, status=400)
        except (
            staffing.NotYours,
            staffing.BadTime,
            staffing.NotWithStaff,
            inbox.NothingToCorrect,
            conversation.Empty,
            conversation.TooLong,
        ) as refusal:
            return JsonResponse({"error": str(refusal)}, status=409)
        chat.refresh_from_db()
        return JsonResponse({"state": chat.state, "state_label": chat.get_state_display()})


def _take_over(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    staffing.take_over(chat.pk, staff, now=now)


def _answer(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    client_id = str(wanted.get("client_id", ""))[:64]
    staffing.answer_as_staff(chat.pk, staff, str(wanted["text"]), now=now, client_id=client_id)


def _note(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    staffing.note(chat.pk, staff, str(wanted["text"]), now=now)


def _snooze(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    staffing.snooze(chat.pk, staff, until=_until(wanted, now), now=now)


def _release(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    staffing.release(chat.pk, now=now, agreed=str(wanted.get("agreed", "")))


def _resolve(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    staffing.resolve(chat.pk, now=now)


def _correct(chat: Conversation, staff: User, wanted: Wanted, now: datetime) -> None:
    message = get_object_or_404(Message, pk=int(wanted["message"]), conversation=chat)
    inbox.correct(message, intent=_taught(wanted), now=now)


DEEDS: dict[str, Callable[[Conversation, User, Wanted, datetime], None]] = {
    "take_over": _take_over,
    "answer": _answer,
    "note": _note,
    "snooze": _snooze,
    "release": _release,
    "resolve": _resolve,
    "correct": _correct,
}


def _until(wanted: Wanted, now: datetime) -> datetime:
    """A moment, or minutes from now."""
    if "minutes" in wanted:
        return now + timedelta(minutes=min(float(wanted["minutes"]), LONG))
    until = parse_datetime(str(wanted["until"]))
    if until is None:
        raise ValueError("until is no time")
    return until if timezone.is_aware(until) else timezone.make_aware(until)


def _taught(wanted: Wanted) -> str:
    """An intent by its name: one that the dialogue knows, or one that staff made."""
    intent = str(wanted["intent"])
    if not SLUG.fullmatch(intent):
        raise ValueError("intent is no name")
    return intent


def _number(request: HttpRequest, name: str) -> int:
    given = request.GET.get(name, "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
