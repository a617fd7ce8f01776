"""What staff teach the bot, and what they often say themselves."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatbot.models import Answer, CannedAnswer, Example
from crm.listing import FastAdmin


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


@admin.register(CannedAnswer)
class CannedAnswerAdmin(FastAdmin):
    list_display = ["__str__", "text_en", "text_zh", "is_active", "updated_at"]
    list_filter = ["is_active"]
    search_fields = ["shortcut", "text_en", "text_zh"]
    ordering = ["shortcut"]
    nothing_yet = _("Write what you say often once, and put it in with a slash.")
