"""Opinions, aspects and interests in the admin, and the page of what customers say."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crm.admin.saying import make_segment, say
from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import Aspect, Interest, Opinion

CORRECTED = ["corrected", "need_corrected"]


@admin.register(Opinion)
class OpinionAdmin(FastAdmin):
    list_display = ["said", "feeling", "need", "source", "customer", "at"]
    list_filter = ["label", "source", "language", "need"]
    list_select_related = ["customer"]
    ordering = ["-at", "-pk"]
    fields = ["text", "customer", "source", "at", "label", "score", "need", "aspects", *CORRECTED]

    @display(description=_("text"))
    def said(self, opinion: Opinion) -> str:
        return opinion.text if len(opinion.text) <= 120 else opinion.text[:119] + "…"

    @display(description=_("feeling"), label={"pos": "success", "neg": "danger", "neu": "default"})
    def feeling(self, opinion: Opinion) -> tuple[str, str]:
        return opinion.label, opinion.get_label_display()

    def get_urls(self) -> list[Any]:
        own = [
            path("saying/", self.admin_site.admin_view(say), name="crm_opinions"),
            path(
                "saying/segment/",
                self.admin_site.admin_view(require_POST(make_segment)),
                name="crm_opinions_segment",
            ),
        ]
        return [*own, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What was said and understood stays; what staff know better teaches the next training."""
        return [name for name in self.fields if name not in CORRECTED]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what a person said goes with the person


@admin.register(Aspect)
class AspectAdmin(FastAdmin):
    list_display = ["__str__", "slug", "listed", "is_active"]
    search_fields = ["slug", "name_en", "name_zh"]
    ordering = ["slug"]

    @display(description=_("words that mean it"))
    def listed(self, aspect: Aspect) -> str:
        return ", ".join(map(str, aspect.words[:12]))


@admin.register(Interest)
class InterestAdmin(ReadOnlyAdmin):
    list_display = ["customer", "kind", "value", "weight", "last_at"]
    list_filter = ["kind"]
    list_select_related = ["customer"]
    ordering = ["-pk"]
