"""The trail of what was shown, to be looked at; the staff pages hang below it."""

from typing import Any

from django.contrib import admin
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.listing import ReadOnlyAdmin
from recommendations import places
from recommendations.admin import pages
from recommendations.models import Impression
from recommendations.reasons import name_of


@admin.register(Impression)
class ImpressionAdmin(ReadOnlyAdmin):
    list_display = [
        "shown_at",
        "customer",
        "product",
        "shown_on",
        "position",
        "why",
        "artifact",
        "clicked_at",
    ]
    list_filter = ["placement", "reason_code"]
    list_select_related = ["customer", "product"]
    search_fields = ["=customer__email", "=product__sku", "=artifact"]
    search_help_text = _("A whole e-mail address, SKU or artifact")
    ordering = ["-pk"]
    nothing_yet = _("Nothing was shown yet. Every list on the shop page or in the chat comes here.")

    @display(description=_("placement"), ordering="placement")
    def shown_on(self, impression: Impression) -> str:
        return places.name_of(impression.placement)

    @display(description=_("reason"))
    def why(self, impression: Impression) -> str:
        return name_of(impression.reason_code)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("health/", view(pages.health), name="recommendations_health"),
            path("of-customer/<int:pk>/", view(pages.customer), name="recommendations_customer"),
            path("of-product/<int:pk>/", view(pages.product), name="recommendations_product"),
        ]
        return [*own, *super().get_urls()]
