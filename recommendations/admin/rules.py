"""The shop's own rules, to be written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.listing import FastAdmin
from recommendations import rules
from recommendations.models import BusinessRule


@admin.register(BusinessRule)
class BusinessRuleAdmin(FastAdmin):
    """A rule is filled in as fields and read as a sentence."""

    list_display = ["says", "state", "effect", "placement", "segment", "ends_at"]
    list_filter = ["effect", "is_active", "placement"]
    list_select_related = ["product", "category", "brand", "segment"]
    autocomplete_fields = ["product"]
    ordering = ["-is_active", "-pk"]
    nothing_yet = _("A rule moves, fixes or hides products in every list.")
    fieldsets = [
        (None, {"fields": ["says", ("effect", "strength", "place"), "is_active"]}),
        (_("Which products"), {"fields": ["product", ("category", "brand")]}),
        (
            _("Where, for whom and when"),
            {"fields": ["placement", "segment", ("starts_at", "ends_at")]},
        ),
    ]
    readonly_fields = ["says"]

    @display(description=_("rule"))
    def says(self, rule: BusinessRule) -> str:
        return rules.sentence(rule) if rule.pk else ""

    @display(
        description=_("state"),
        label={"now": "success", "later": "info", "over": "default", "off": "default"},
    )
    def state(self, rule: BusinessRule) -> tuple[str, Any]:
        return _state(rule)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A rule that is not written yet says nothing."""
        if obj is not None:
            return self.fieldsets
        (title, first), *others = self.fieldsets
        return [(title, {**first, "fields": first["fields"][1:]}), *others]


def _state(rule: BusinessRule) -> tuple[str, Any]:
    now = timezone.now()
    if not rule.is_active:
        return "off", _("off")
    if rule.ends_at is not None and rule.ends_at <= now:
        return "over", _("over")
    if rule.starts_at is not None and rule.starts_at > now:
        return "later", _("not yet")
    return "now", _("in force")
