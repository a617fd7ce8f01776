"""Customers: a list that stays fast, the customer page, who was merged, who may be written to."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm import activity, portrait
from crm.admin.filters import RfmFilter
from crm.admin.insight import insight
from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import (
    Customer,
    Identity,
    Merge,
    Score,
    Suppression,
    Topic,
)
from crm.segments import touches
from crm.templatetags.catalogue import rfm_name


@admin.register(Customer)
class CustomerAdmin(FastAdmin):
    list_display = [
        "__str__",
        "user_id",
        "email",
        "language",
        "country",
        "rfm_label",
        "last_seen_at",
    ]
    list_filter = ["language", "is_known", RfmFilter]
    search_fields = ["=email", "name__startswith", "=identities__value"]
    search_help_text = _("A whole e-mail address or id, or the beginning of a name")
    ordering = ["-last_seen_at", "-pk"]
    nothing_yet = _(
        "Import a file of customers or orders, or send identify and track calls to /v1/."
    )
    change_form_before_template = "crm/portrait.html"
    fieldsets = [
        (None, {"fields": ["name", "email", "phone", "language", "country", "timezone"]}),
        (_("Traits, as JSON"), {"fields": ["traits"], "classes": ["collapse"]}),
    ]

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        # Somebody typed in here is new to every rule.
        touches.touch_fields(obj, *form.changed_data) if change else touches.touch([obj.pk], "*")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        rfm = Score.objects.filter(customer=OuterRef("pk"), name="rfm").values("label")[:1]
        known_as = Identity.objects.filter(customer=OuterRef("pk"), kind=Identity.Kind.USER_ID)
        rows = super().get_queryset(request).filter(merged_into=None)
        return rows.annotate(
            rfm=Subquery(rfm), known_as=Subquery(known_as.order_by("pk").values("value")[:1])
        )

    @display(description=_("user id"))
    def user_id(self, customer: Customer) -> str:
        return getattr(customer, "known_as", None) or "–"

    @display(description=_("RFM"))
    def rfm_label(self, customer: Customer) -> str:
        return rfm_name(getattr(customer, "rfm", "") or "–")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Customer | None:
        """The customer of this page, read once though the page asks twice."""
        known = getattr(request, "_customer", None)
        if known is None:
            known = super().get_object(request, object_id, from_field)
            request._customer = known  # type: ignore[attr-defined]
        return known

    def get_urls(self) -> list[Any]:
        panel = self.admin_site.admin_view(self.panel)
        own = [
            path("<int:pk>/panel/<slug:name>/", panel, name="crm_customer_panel"),
            path(
                "<int:pk>/timeline/",
                self.admin_site.admin_view(self.timeline),
                name="crm_customer_timeline",
            ),
            path("insight/", self.admin_site.admin_view(insight), name="crm_insight"),
        ]
        return [*own, *super().get_urls()]

    def panel(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """One part of the customer page, for a page that asks for it later."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            panel = portrait.one(name, get_object_or_404(Customer, pk=pk))
        except portrait.UnknownPanel:
            raise Http404 from None
        return render(request, panel["template"], {"panel": panel})

    def timeline(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What happened to a customer, filtered; older rows follow those that are shown."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        customer = get_object_or_404(Customer, pk=pk)
        before = request.GET.get("before", "")
        try:
            shown = activity.page(
                customer,
                group=request.GET.get("group", ""),
                before=int(before) if before.isdecimal() else None,
            )
        except activity.UnknownGroup:
            raise Http404 from None
        template = "crm/activity_rows.html" if before else "crm/activity.html"
        return render(request, template, {"panel": {"customer": customer, **shown}})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        customer = self.get_object(request, object_id)
        panels = portrait.of(customer) if isinstance(customer, Customer) else []
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | {"panels": panels}
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a person is erased everywhere or nowhere, not by a stray click


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    list_display = ["winner", "loser", "evidence", "source", "merged_at", "undone_at"]
    list_select_related = ["winner", "loser"]
    ordering = ["-pk"]


@admin.register(Topic)
class TopicAdmin(FastAdmin):
    list_display = ["slug", "name_en", "name_zh"]


@admin.register(Suppression)
class SuppressionAdmin(FastAdmin):
    list_display = ["channel", "address", "reason", "at"]
    list_filter = ["channel", "reason"]
    search_fields = ["=address"]
    ordering = ["-pk"]
