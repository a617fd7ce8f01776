"""Opinions, aspects and interests in the admin, and the page of what customers say."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from crm.admin.saying import make_segment, say
from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import Aspect, Interest, Opinion
from crm.models.opinions import Feeling
from crm.voice import NEEDS, need_name

CORRECTED = ["corrected", "need_corrected"]


class NeedFilter(SimpleListFilter):
    """By need, in words."""

    title = _("need")
    parameter_name = "need"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(need, need_name(need)) for need in NEEDS]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Opinion]
    ) -> QuerySet[Opinion] | None:
        return queryset.filter(need=self.value()) if self.value() else None


@admin.register(Opinion)
class OpinionAdmin(FastAdmin):
    list_display = ["said", "feeling", "needed", "source", "customer", "at"]
    list_filter = ["label", "source", "language", NeedFilter]
    list_select_related = ["customer"]
    ordering = ["-at", "-pk"]
    nothing_yet = _("Reviews and chat messages are read as they come in.")
    fields = ["text", "customer", "source", "at", "label", "score", "needed"]
    fields += ["of_aspects", *CORRECTED]

    @display(description=_("text"))
    def said(self, opinion: Opinion) -> str:
        return opinion.text if len(opinion.text) <= 120 else opinion.text[:119] + "…"

    @display(description=_("feeling"), label={"pos": "success", "neg": "danger", "neu": "default"})
    def feeling(self, opinion: Opinion) -> tuple[str, str]:
        return opinion.label, opinion.get_label_display()

    @display(description=_("need"))
    def needed(self, opinion: Opinion) -> str:
        return need_name(opinion.need)

    @display(description=_("aspects"))
    def of_aspects(self, opinion: Opinion) -> str:
        names = {aspect.slug: str(aspect) for aspect in Aspect.objects.all()}
        feelings = dict(Feeling.choices)
        return "; ".join(
            f"{names.get(one['aspect'], one['aspect'])}: {feelings.get(one['label'], '')}"
            f" (“{one['clause']}”)"
            for one in opinion.aspects
        )

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name != "need_corrected":
            field: forms.Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)
            return field
        return forms.ChoiceField(
            label=db_field.verbose_name,
            required=False,
            choices=[("", "–"), *((need, need_name(need)) for need in NEEDS)],
            widget=UnfoldAdminSelectWidget,
        )

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
