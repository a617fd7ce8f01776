from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from campaigns import controls
from campaigns.admin.pages import confirm_control_page
from campaigns.models import ControlGroup
from campaigns.templatetags.campaign_figures import money, points


@admin.register(ControlGroup)
class ControlGroupAdmin(ModelAdmin):
    """Begun and ended by people, measured by the clock, changed by nobody."""

    list_display = ("name", "started_at", "ended_at", "buyers", "spending")
    fields = ("share",)
    ordering = ("-started_at",)
    actions_detail = ("end",)
    SHOWN = ("name", "started_at", "ended_at", "sizes", "buyers", "spending", "measured_at")

    @display(description=_("control group"))
    def name(self, group: ControlGroup) -> str:
        return gettext("%(share)s %% of all customers") % {"share": f"{group.share * 100:.1f}"}

    @display(description=_("customers"))
    def sizes(self, group: ControlGroup) -> str:
        if not (last := _last(group)):
            return gettext("Nothing measured yet; that is done every night.")
        told = {name: f"{size:,}" for name, size in last["sizes"].items()}
        return gettext("%(control)s in the group, %(written)s written to") % told

    @display(description=_("more of them bought, against the group (points)"))
    def buyers(self, group: ControlGroup) -> str:
        return _interval(_last(group).get("conversion"), points)

    @display(description=_("spent more each, against the group"))
    def spending(self, group: ControlGroup) -> str:
        return _interval(_last(group).get("revenue"), money)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.SHOWN if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.SHOWN if obj else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not ControlGroup.objects.running().exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: ControlGroup, form: "ModelForm[Any]", change: bool
    ) -> None:
        if change:  # the page shows; there is nothing on it to enter
            return
        obj.started_by = request.user  # type: ignore[assignment]  # staff are logged in
        try:
            controls.start(obj, now=timezone.now())
        except controls.AlreadyRunning:  # somebody else began one a moment ago
            running = ControlGroup.objects.running().get()
            obj.pk, obj.started_at = running.pk, running.started_at
            messages.error(request, gettext("There is a control group already."))

    @action(
        description=_("End it"),
        icon="stop_circle",
        permissions=["end"],
        variant=ActionVariant.DANGER,
    )
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        group = get_object_or_404(ControlGroup, pk=object_id)
        if request.method != "POST":
            return confirm_control_page(self, request, group, title=gettext("End the group?"))
        try:
            controls.end(group, now=timezone.now())
            messages.success(request, gettext("Campaigns write to everybody again."))
        except controls.Ended:
            messages.error(request, gettext("This group has ended already."))
        return redirect(reverse("admin:campaigns_controlgroup_change", args=[object_id]))

    def has_end_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        running = ControlGroup.objects.running().filter(pk=object_id or 0)
        return self.has_change_permission(request) and (not object_id or running.exists())


def _last(group: ControlGroup) -> dict[str, Any]:
    return group.history[-1] if group.history else {}


def _interval(said: dict[str, Any] | None, shown: Any) -> str:
    if said is None:
        return gettext("too few to say")
    told = {name: shown(said[name]) for name in ("estimate", "lower", "upper")}
    return gettext("%(estimate)s (%(lower)s to %(upper)s)") % told
