"""The admin of the CRM: lists that stay fast, the customer page, artifacts and their promotion."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline
from unfold.decorators import action, display

from crm import artifacts, portrait, segments
from crm.forms import SegmentForm
from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import (
    Artifact,
    Brand,
    Category,
    Customer,
    DeadLetter,
    Event,
    Feedback,
    Membership,
    Merge,
    Order,
    OrderLine,
    Product,
    Score,
    Segment,
    Source,
    Suppression,
    Topic,
)
from crm.templatetags.catalogue import rfm_name


@admin.register(Customer)
class CustomerAdmin(FastAdmin):
    list_display = ["__str__", "email", "language", "country", "rfm_label", "last_seen_at"]
    list_filter = ["language", "is_known"]
    search_fields = ["=email", "name__startswith", "=identities__value"]
    search_help_text = _("A whole e-mail address or id, or the beginning of a name")
    ordering = ["-last_seen_at", "-pk"]
    change_form_before_template = "crm/portrait.html"
    fields = ["name", "email", "phone", "language", "country", "timezone", "traits"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        rfm = Score.objects.filter(customer=OuterRef("pk"), name="rfm").values("label")[:1]
        return super().get_queryset(request).filter(merged_into=None).annotate(rfm=Subquery(rfm))

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
        own = path("<int:pk>/panel/<slug:name>/", panel, name="crm_customer_panel")
        return [own, *super().get_urls()]

    def panel(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """One part of the customer page, for a page that asks for it later."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            panel = portrait.one(name, get_object_or_404(Customer, pk=pk))
        except portrait.UnknownPanel:
            raise Http404 from None
        return render(request, panel["template"], {"panel": panel})

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


@admin.register(Segment)
class SegmentAdmin(FastAdmin):
    form = SegmentForm
    list_display = ["__str__", "kind", "size", "refreshed_at"]
    list_filter = ["kind"]
    search_fields = ["name_en", "name_zh", "slug"]
    readonly_fields = ["size", "refreshed_at", "artifact"]
    actions_detail = ["refresh_now"]
    ordering = ["kind", "-size", "pk"]

    @action(description=_("Refresh now"), icon="refresh")
    def refresh_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        segment = Segment.objects.get(pk=object_id)
        if segment.kind != Segment.Kind.RULE:
            self.message_user(
                request, _("Scores make this segment; it follows the next scoring."), messages.INFO
            )
        else:
            change = segments.refresh(segment, now=timezone.now())
            self.message_user(
                request,
                _("%(in)s entered, %(out)s left.") % {"in": change.entered, "out": change.left},
            )
        return redirect(request.META.get("HTTP_REFERER") or "..")

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.kind == Segment.Kind.RULE:
            segments.refresh(obj, now=timezone.now())


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ["customer", "segment", "entered_at"]
    list_filter = [("segment", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["customer", "segment"]
    ordering = ["-pk"]


class OrderLineInline(TabularInline):
    model = OrderLine
    extra = 0
    can_delete = False
    fields = ["product", "quantity", "unit_price"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderLine]:
        lines: QuerySet[OrderLine] = super().get_queryset(request).select_related("product")
        return lines

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(FastAdmin):
    list_display = ["number", "customer", "status", "total", "currency", "placed_at"]
    list_filter = ["status", "is_refund"]
    list_select_related = ["customer"]
    search_fields = ["=number"]
    ordering = ["-placed_at", "-pk"]
    inlines = [OrderLineInline]
    autocomplete_fields = ["customer"]
    readonly_fields = ["number", "customer", "total", "currency", "placed_at", "source"]


@admin.register(Product)
class ProductAdmin(FastAdmin):
    list_display = ["sku", "__str__", "category", "brand", "price", "stock", "is_active"]
    list_filter = ["is_active", "category", "brand"]
    list_select_related = ["category", "brand"]
    search_fields = ["=sku", "title_en", "title_zh"]
    ordering = ["pk"]


@admin.register(Category, Brand)
class BilingualAdmin(FastAdmin):
    list_display = ["slug", "name_en", "name_zh"]
    search_fields = ["slug", "name_en", "name_zh"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["kind", "name", "customer", "source", "happened_at"]
    list_select_related = ["customer"]
    search_fields = ["=message_id", "=kind"]
    ordering = ["-pk"]


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = ["kind", "score", "text", "product", "customer", "at"]
    list_filter = ["kind"]
    list_select_related = ["product", "customer"]
    ordering = ["-at", "-pk"]


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    list_display = ["winner", "loser", "evidence", "source", "merged_at", "undone_at"]
    list_select_related = ["winner", "loser"]
    ordering = ["-pk"]


@admin.register(Source)
class SourceAdmin(FastAdmin):
    list_display = ["name", "requests_per_second", "duplicates", "revoked_at"]
    readonly_fields = ["write_key", "duplicates"]


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["reason", "source", "received_at", "replayed_at"]
    list_select_related = ["source"]
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


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    list_display = ["name", "state", "trained_at", "rows", "reason"]
    list_filter = ["name", "status"]
    ordering = ["name", "-pk"]
    change_form_outer_before_template = "crm/artifact_buttons.html"
    exclude = ["file"]  # bytes for our own code; nothing a person could read

    @display(
        description=_("status"),
        label={"champion": "success", "candidate": "info", "archived": "default"},
    )
    def state(self, artifact: Artifact) -> tuple[str, str]:
        return artifact.status, artifact.get_status_display()

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"crm_artifact_{name}",
            )
            for name, view in (("promote", self.promote), ("roll_back", self.roll_back))
        ]
        return [*own, *super().get_urls()]

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._require_decider(request)
        artifact = get_object_or_404(Artifact, pk=pk)
        who = request.user.get_username()
        artifacts.promote(artifact, now=timezone.now(), reason=f"promoted by {who}")
        self.message_user(request, _("%(name)s serves now.") % {"name": artifact})
        return redirect("admin:crm_artifact_changelist")

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._require_decider(request)
        artifact = get_object_or_404(Artifact, pk=pk)
        try:
            serving = artifacts.roll_back(artifact.name, now=timezone.now())
            self.message_user(request, _("%(name)s serves again.") % {"name": serving})
        except artifacts.NothingToRollBackTo:
            self.message_user(request, _("There is no earlier champion."), messages.WARNING)
        return redirect("admin:crm_artifact_changelist")

    def _require_decider(self, request: HttpRequest) -> None:
        if not request.user.has_perm("crm.change_artifact"):
            raise PermissionDenied
