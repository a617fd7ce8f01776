from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from campaigns import wording
from campaigns.models import Assignment, Delivery, ProviderReport

STATUS_COLOURS = {
    "queued": "info",
    "sending": "info",
    "sent": "success",
    "delivered": "success",
    "bounced": "danger",
    "complained": "danger",
    "failed": "danger",
    "skipped": "warning",
    "uncertain": "warning",
}


class TrailAdmin(ModelAdmin):
    """What happened stays as it was written."""

    show_full_result_count = False
    paginator = InfinitePaginator
    list_per_page = 50
    ordering = ("-pk",)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(TrailAdmin):
    list_display = (
        "campaign",
        "customer",
        "variant",
        "address",
        "state",
        "why",
        "sent_at",
        "opened_at",
        "clicked_at",
    )
    list_filter = ("status", "channel")
    list_select_related = ("campaign", "customer", "variant")
    search_fields = ("=address", "=message_id")
    exclude = ("claimed_by", "claimed_until", "told_at")

    @display(description=_("status"), label=STATUS_COLOURS)
    def state(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @display(description=_("reason"))
    def why(self, delivery: Delivery) -> str:
        return wording.reason(delivery.reason)


@admin.register(Assignment)
class AssignmentAdmin(TrailAdmin):
    list_display = ("campaign", "customer", "arm_name", "propensity", "policy", "assigned_at")
    list_select_related = ("campaign", "customer", "variant")
    list_filter = (("variant", admin.EmptyFieldListFilter),)

    @display(description=_("arm"))
    def arm_name(self, assignment: Assignment) -> str:
        return str(wording.ARMS.get(assignment.arm, assignment.arm))


@admin.register(ProviderReport)
class ProviderReportAdmin(TrailAdmin):
    list_display = ("at", "provider", "channel", "state", "address", "reason", "of_delivery")
    list_filter = ("kind", "channel", ("delivery", admin.EmptyFieldListFilter))
    list_select_related = ("delivery",)
    search_fields = ("=address", "=message_id", "=key")

    @display(description=_("kind"), label=STATUS_COLOURS)
    def state(self, report: ProviderReport) -> tuple[str, str]:
        return report.kind, report.get_kind_display()

    @display(description=_("delivery"))
    def of_delivery(self, report: ProviderReport) -> str:
        return str(report.delivery) if report.delivery else str(_("none of ours"))
