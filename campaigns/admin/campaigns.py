from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from campaigns import lifecycle, planning, previews, results, sending, trying
from campaigns.admin.calendars import calendar_page
from campaigns.admin.pages import confirm_page, preview_page, result_page
from campaigns.forms import CampaignForm, PreviewForm
from campaigns.models import Campaign, Delivery, Variant
from crm.models import Customer, Segment
from crm.segments import freshness

Status = Campaign.Status
STATUS_COLOURS = {
    Status.DRAFT: "info",
    Status.SCHEDULED: "info",
    Status.MATERIALISING: "warning",
    Status.SENDING: "warning",
    Status.PAUSED: "danger",
    Status.FINISHED: "success",
    Status.CANCELLED: "danger",
}
FROM = {  # from which states a step can be taken: the buttons that are shown
    "start": {Status.DRAFT, Status.SCHEDULED},
    "schedule": {Status.DRAFT},
    "pause": {Status.SENDING},
    "resume": {Status.PAUSED},
    "cancel": {Status.DRAFT, Status.SCHEDULED, Status.MATERIALISING, Status.SENDING, Status.PAUSED},
}


class CampaignList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Count the deliveries of all shown campaigns with one query."""
        super().get_results(request)
        shown = list(self.result_list)
        counted = results.status_counts(shown)
        for campaign in shown:
            campaign.counts = counted.get(campaign.pk, {})
        self.result_list = shown


class VariantInline(TabularInline):
    model = Variant
    extra = 0
    min_num = 1
    fields = ("label", "template", "weight")
    tab = False

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and (obj is None or obj.is_editable)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_editable)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_editable)


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    form = CampaignForm
    inlines = (VariantInline,)
    list_display = ("name", "state", "segment", "progress", "started_at", "finished_at")
    list_filter = ("status",)
    list_select_related = ("segment",)
    list_per_page = 25
    search_fields = ("name",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = InfinitePaginator
    actions = None
    actions_list = ("calendar",)
    actions_detail = ("result", "preview", "start", "schedule", "pause", "resume", "cancel")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "segment",
                    "topic",
                    "channel",
                    "holdout_share",
                    "design",
                    "scheduled_at",
                )
            },
        ),
        (
            _("Rules"),
            {
                "fields": (
                    "attribution_days",
                    ("cap_messages", "cap_days"),
                    ("quiet_from", "quiet_until"),
                )
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CampaignList

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Campaign]":
        """The messages of a journey are looked at and steered there."""
        return super().get_queryset(request).filter(journey=None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """Once the audience has its arms, only the name may change."""
        if obj is None or obj.is_editable:
            return ()
        fields = [f.name for f in Campaign._meta.fields if f.editable]
        return [name for name in fields if name != "name"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_editable)

    def save_model(
        self, request: HttpRequest, obj: Campaign, form: "ModelForm[Campaign]", change: Any
    ) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # staff are logged in
        super().save_model(request, obj, form, change)

    @display(description=_("status"), label=STATUS_COLOURS, ordering="status")
    def state(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.status, campaign.get_status_display()

    @display(description=_("progress"))
    def progress(self, campaign: Campaign) -> str:
        counts: dict[str, int] = getattr(campaign, "counts", {})
        open_ = sum(counts.get(status, 0) for status in lifecycle.OPEN) + campaign.unprepared
        total = campaign.to_be_written_to
        return f"{total - open_:,} / {total:,}" if total else "–"

    # Pages -------------------------------------------------------------------------------

    @action(description=_("Result"), icon="monitoring", permissions=["view"])
    def result(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        if request.method == "POST" and self.has_change_permission(request):
            _settle(request, campaign)
            return redirect(request.path)
        return result_page(self, request, campaign)

    @action(description=_("Preview"), icon="visibility", permissions=["view"])
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(object_id)
        form = PreviewForm(request.POST if request.method == "POST" else request.GET)
        wanted = form.cleaned_data["customer"] if form.is_valid() else ""
        customer = previews.find_customer(wanted, campaign=campaign)
        if request.method == "POST":
            _try_out(request, campaign, customer)
            return redirect(f"{request.path}?{urlencode({'customer': wanted})}")
        shown = previews.of_campaign(campaign, customer, now=timezone.now()) if customer else []
        return preview_page(self, request, campaign, customer=customer, wanted=wanted, shown=shown)

    @action(description=_("Calendar"), icon="calendar_month", permissions=["view"])
    def calendar(self, request: HttpRequest) -> HttpResponse:
        return calendar_page(self, request)

    # Steps: GET asks, POST acts ------------------------------------------------------------

    @action(
        description=_("Start"), icon="send", permissions=["start"], variant=ActionVariant.PRIMARY
    )
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def begin(campaign: Campaign) -> str:
            stale_is_fine = "stale_is_fine" in request.POST
            lifecycle.start(campaign, now=timezone.now(), stale_is_fine=stale_is_fine)
            return gettext("The campaign has started.")

        title = gettext("Start this campaign?")
        return self._step(request, object_id, begin, title=title, starts=True)

    @action(description=_("Schedule"), icon="schedule", permissions=["schedule"])
    def schedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def wait(campaign: Campaign) -> str:
            lifecycle.schedule(campaign)
            return gettext("The campaign starts at the time that was set.")

        title = gettext("Start this campaign at the time that was set?")
        return self._step(request, object_id, wait, title=title, starts=True)

    @action(description=_("Pause"), icon="pause", permissions=["pause"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def hold(campaign: Campaign) -> str:
            lifecycle.pause(campaign)
            return gettext("The campaign is paused.")

        return self._step(request, object_id, hold, title=gettext("Pause this campaign?"))

    @action(description=_("Resume"), icon="play_arrow", permissions=["resume"])
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def go_on(campaign: Campaign) -> str:
            lifecycle.resume(campaign)
            return gettext("The campaign goes on.")

        return self._step(request, object_id, go_on, title=gettext("Resume this campaign?"))

    @action(
        description=_("Cancel"), icon="cancel", permissions=["cancel"], variant=ActionVariant.DANGER
    )
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def stop(campaign: Campaign) -> str:
            lifecycle.cancel(campaign, now=timezone.now())
            return gettext("The campaign is cancelled.")

        return self._step(request, object_id, stop, title=gettext("Cancel this campaign for good?"))

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "start")

    def has_schedule_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "schedule")

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "pause")

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "resume")

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "cancel")

    def _may(self, request: HttpRequest, object_id: Any, step: str) -> bool:
        """A step that was possible a moment ago is asked for by POST and refused in words."""
        if not self.has_change_permission(request):
            return False
        if request.method == "POST" or object_id is None:
            return True
        campaign = Campaign.objects.filter(pk=object_id).first()
        if campaign is None or (step == "schedule" and campaign.scheduled_at is None):
            return False
        return campaign.status in FROM[step]

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        take: Callable[[Campaign], str],
        *,
        title: str,
        starts: bool = False,
    ) -> HttpResponse:
        campaign = self._campaign(object_id)
        if request.method != "POST":
            more = _about_audience(campaign) if starts else {}
            return confirm_page(self, request, campaign, title=title, **more)
        try:
            messages.success(request, take(campaign))
        except lifecycle.NOT_READY as refusal:
            messages.error(request, str(refusal))
            return redirect(reverse("admin:campaigns_campaign_change", args=[object_id]))
        return redirect(reverse("admin:campaigns_campaign_result", args=[object_id]))

    def _campaign(self, object_id: str) -> Campaign:
        rows = Campaign.objects.broadcasts().select_related("segment", "topic")
        return get_object_or_404(rows, pk=object_id)


def _try_out(request: HttpRequest, campaign: Campaign, customer: Customer | None) -> None:
    """Who may steer campaigns may send one to themselves."""
    if not request.user.has_perm("campaigns.change_campaign"):
        raise PermissionDenied
    if customer is None:
        messages.error(request, gettext("No customer is known by this."))
        return
    try:
        number = trying.send(campaign, customer, request.user, now=timezone.now())
    except trying.NotTried as refusal:
        messages.error(request, str(refusal))
        return
    said = {"number": number, "address": getattr(request.user, "email", "")}
    messages.success(request, gettext("%(number)s sent to %(address)s as a test.") % said)


def _about_audience(campaign: Campaign) -> dict[str, Any]:
    assert campaign.segment is not None, "a journey is launched on a page of its own"
    fresh = freshness.of(campaign.segment, now=timezone.now())
    # A segment by rule is brought up to date when the campaign starts; scores are not.
    is_ruled = campaign.segment.kind in Segment.RULED
    behind = "" if fresh.is_fresh or is_ruled else fresh.why
    plan = planning.outlook(campaign, now=timezone.now())
    return {"size": plan.size, "plan": plan, "behind": behind}


def _settle(request: HttpRequest, campaign: Campaign) -> None:
    """What a person knows or decides about messages whose fate is unknown."""
    verdict = request.POST.get("settle", "")
    held = campaign.deliveries.filter(status=Delivery.Status.UNCERTAIN)
    if request.POST.get("delivery") != "all":
        held = held.filter(pk=request.POST.get("delivery") or 0)
    settled = 0
    for delivery in held.select_related("campaign"):
        try:
            if verdict == "sent":
                sending.mark_sent(delivery)
            elif verdict == "again":
                sending.send_again(delivery, now=timezone.now())
            settled += 1
        except sending.NotUncertain:  # somebody else settled it a moment ago
            continue
    messages.success(request, gettext("%(number)s settled.") % {"number": settled})
