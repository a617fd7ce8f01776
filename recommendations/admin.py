"""The trail of what was shown, to be looked at."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.listing import ReadOnlyAdmin
from recommendations.models import Impression
from recommendations.reasons import name_of


@admin.register(Impression)
class ImpressionAdmin(ReadOnlyAdmin):
    list_display = [
        "shown_at",
        "customer",
        "product",
        "placement",
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

    @display(description=_("reason"))
    def why(self, impression: Impression) -> str:
        return name_of(impression.reason_code)
