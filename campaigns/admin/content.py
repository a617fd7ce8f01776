from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from campaigns import previews, wording
from campaigns.admin.pages import preview_page
from campaigns.forms import PreviewForm, TemplateForm
from campaigns.models import Coupon, CouponSeries, Redemption, Template
from crm.listing import ReadOnlyAdmin


@admin.register(Template)
class TemplateAdmin(ModelAdmin):
    form = TemplateForm
    list_display = ("name", "channel", "subject_en", "subject_zh", "updated_at")
    search_fields = ("name",)
    ordering = ("name",)
    show_full_result_count = False
    actions_detail = ("preview",)
    fieldsets = (
        (None, {"fields": ("name", "channel")}),
        (_("English"), {"fields": ("subject_en", "body_en", "text_en"), "classes": ("tab",)}),
        (_("Chinese"), {"fields": ("subject_zh", "body_zh", "text_zh"), "classes": ("tab",)}),
    )

    @action(
        description=_("Preview"),
        icon="visibility",
        permissions=["view"],
        variant=ActionVariant.PRIMARY,
    )
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        template = get_object_or_404(Template, pk=object_id)
        form = PreviewForm(request.GET)
        wanted = form.cleaned_data["customer"] if form.is_valid() else ""
        customer = previews.find_customer(wanted)
        shown = [previews.of_template(template, customer, now=timezone.now())] if customer else []
        return preview_page(self, request, template, customer=customer, wanted=wanted, shown=shown)


@admin.register(Coupon)
class CouponAdmin(ModelAdmin):
    list_display = (
        "code",
        "series",
        "customer",
        "text_en",
        "text_zh",
        "valid_from",
        "valid_to",
        "uses",
        "most_uses",
    )
    list_select_related = ("customer", "series")
    list_filter = ("series", "category")
    search_fields = ("code",)
    ordering = ("-valid_to", "code")
    autocomplete_fields: Any = ()
    raw_id_fields = ("customer",)
    show_full_result_count = False
    paginator = InfinitePaginator


@admin.register(CouponSeries)
class CouponSeriesAdmin(ModelAdmin):
    list_display = (
        "slug",
        "text_en",
        "text_zh",
        "given",
        "most",
        "uses_each",
        "ends_on",
        "is_active",
    )
    list_filter = ("is_active",)
    search_fields = ("slug", "text_en", "text_zh")
    ordering = ("slug",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CouponSeries]":
        return super().get_queryset(request).annotate(codes=Count("coupons"))

    @display(description=_("given"))
    def given(self, series: CouponSeries) -> int:
        return getattr(series, "codes", 0)


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    """What was used is not written here; what should not have been taken is marked."""

    list_display = ("coupon", "customer", "order", "at", "is_allowed", "why")
    list_select_related = ("coupon__series", "customer")
    list_filter = ("is_allowed", "reason")
    search_fields = ("=coupon__code", "=order")
    ordering = ("-pk",)

    @display(description=_("why not"))
    def why(self, redemption: Redemption) -> str:
        return str(wording.REFUSALS.get(redemption.reason, redemption.reason))
