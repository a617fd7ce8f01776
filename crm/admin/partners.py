"""Partners and their keys. A key is shown once, to whoever makes it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from crm.listing import FastAdmin
from crm.models import Partner, PartnerKey, Scope


@admin.register(Partner)
class PartnerAdmin(FastAdmin):
    list_display = ["name", "sees", "requests_per_second", "is_active"]
    search_fields = ["name"]
    filter_horizontal = ["segments"]
    ordering = ["name"]
    nothing_yet = _("Partners and your own shops read over the REST API. Add one, then its key.")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("segments")

    @display(description=_("customers"))
    def sees(self, partner: Partner) -> str:
        if partner.sees_everybody:
            return str(_("all customers"))
        return ", ".join(str(one) for one in partner.segments.all()) or str(_("nobody"))


class PartnerKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("allowed to"), choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = PartnerKey
        fields = ("partner", "name", "scopes", "expires_at")


@admin.register(PartnerKey)
class PartnerKeyAdmin(FastAdmin):
    form = PartnerKeyForm
    list_display = ["partner", "name", "begins", "may", "created_at", "expires_at", "revoked_at"]
    list_select_related = ["partner"]
    search_fields = ["name", "partner__name", "=begins"]
    ordering = ["-pk"]
    readonly_fields = ["begins", "created_at", "revoked_at"]
    actions = ["revoke"]
    nothing_yet = _("Add a key for a partner; it is shown once, when you save it.")

    @display(description=_("allowed to"))
    def may(self, key: PartnerKey) -> str:
        names = dict(Scope.choices)
        return ", ".join(str(names.get(scope, scope)) for scope in key.scopes)

    def save_model(self, request: HttpRequest, key: PartnerKey, form: Any, change: bool) -> None:
        if change:
            return super().save_model(request, key, form, change)
        text = key.cut()
        key.created_at = timezone.now()
        super().save_model(request, key, form, change)
        shown = _("The key of %(partner)s, shown this once: %(key)s")
        messages.warning(request, shown % {"partner": key.partner, "key": text})

    @admin.action(description=_("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: Any) -> None:
        count = keys.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, _("%(count)s keys revoked.") % {"count": count})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revoked, not deleted: whose it was stays known. A partner takes their keys along."""
        return obj is None and super().has_delete_permission(request, obj)
