"""Orders, the catalogue and what customers said of it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from crm import pictures, product_page
from crm.admin import knowledge
from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import (
    Brand,
    Category,
    Feedback,
    Order,
    OrderLine,
    Product,
)
from crm.segments import touches
from crm.templatetags.catalogue import money


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
    list_display = ["number", "customer", "status", "amount", "placed_at"]
    list_filter = ["status", "is_refund"]
    list_select_related = ["customer"]
    search_fields = ["=number"]
    ordering = ["-placed_at", "-pk"]
    nothing_yet = _("Send “Order Completed” events to /v1/track, or import a file of orders.")
    inlines = [OrderLineInline]
    autocomplete_fields = ["customer"]
    readonly_fields = ["number", "customer", "total", "currency", "placed_at", "source"]

    @display(description=_("total"), ordering="total")
    def amount(self, order: Order) -> str:
        return money(order.total, order.currency)

    def save_model(self, request: HttpRequest, obj: Order, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        touches.touch([obj.customer_id], "orders")


class ProductForm(forms.ModelForm):
    """With a picture to upload; what is kept of it becomes the product's image."""

    picture = forms.FileField(
        label=_("Upload a picture"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("JPEG, PNG, WebP or GIF, at most 10 MB. It takes the place of the image."),
    )

    class Meta:
        model = Product
        fields = "__all__"

    def clean_picture(self) -> str:
        """The address of the picture that was kept, or nothing."""
        file = self.cleaned_data["picture"]
        try:
            return pictures.keep(file) if file else ""
        except pictures.UnusablePicture as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Product)
class ProductAdmin(FastAdmin):
    form = ProductForm
    list_display = ["sku", "__str__", "category", "brand", "costs", "stock", "is_active"]
    list_filter = ["is_active", "category", "brand"]
    list_select_related = ["category", "brand"]
    search_fields = ["=sku", "title_en", "title_zh"]
    ordering = ["pk"]
    change_form_before_template = "crm/product_links.html"
    change_form_outer_after_template = "crm/product_panels.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("title_en", "title_zh"),
                    ("sku", "image"),
                    ("category", "brand"),
                    "picture",
                ]
            },
        ),
        (_("Description"), {"fields": ["description_en", "description_zh"]}),
        (_("Sale"), {"fields": [("price", "currency"), ("stock", "is_active"), "created_at"]}),
        (_("Options, as JSON lists"), {"fields": ["colors", "sizes", "features"]}),
    ]

    @display(description=_("price"), ordering="price")
    def costs(self, product: Product) -> str:
        return money(product.price, product.currency)

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        obj.image = form.cleaned_data.get("picture") or obj.image
        super().save_model(request, obj, form, change)
        if {"category", "brand", "sku"} & set(form.changed_data):
            touches.touch_buyers([obj.pk])

    def get_urls(self) -> list[Any]:
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"crm_{view_name}")
            for name, view, view_name in (
                ("together", knowledge.bought_together, "bought_together"),
                ("graph", knowledge.explore, "graph"),
            )
        ]
        panel = self.admin_site.admin_view(self.panel)
        own.append(path("<int:pk>/panel/<slug:name>/", panel, name="crm_product_panel"))
        return [*own, *super().get_urls()]

    def panel(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """One part of the product's page, for a page that asks for it later."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            panel = product_page.one(name, get_object_or_404(Product, pk=pk))
        except product_page.UnknownPanel:
            raise Http404 from None
        return render(request, panel["template"], {"panel": panel})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        product = more.get("obj")
        context["panels"] = product_page.of(product) if product else []
        return super().render_change_form(request, context, *args, **more)


@admin.register(Category, Brand)
class BilingualAdmin(FastAdmin):
    list_display = ["slug", "name_en", "name_zh"]
    search_fields = ["slug", "name_en", "name_zh"]


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = ["kind", "score", "text", "product", "customer", "at"]
    list_filter = ["kind"]
    list_select_related = ["product", "customer"]
    ordering = ["-at", "-pk"]
