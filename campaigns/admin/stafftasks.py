"""What journeys ask of staff: the list of it, and that it is done."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from campaigns.models import StaffTask
from crm.listing import ReadOnlyAdmin


class OpenFilter(SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("to be done")), ("late", _("late")), ("done", _("done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset.filter(done_at=None)
        if self.value() == "late":
            return queryset.filter(done_at=None, due_at__lt=timezone.now())
        if self.value() == "done":
            return queryset.exclude(done_at=None)
        return queryset


class WhoseFilter(SimpleListFilter):
    title = _("for whom")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("for my groups or for everybody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "mine":
            return queryset
        return queryset.filter(Q(group=None) | Q(group__in=request.user.groups.all()))


@admin.register(StaffTask)
class StaffTaskAdmin(ReadOnlyAdmin):
    list_display = ["title", "person", "group", "due", "shown_state", "journey"]
    list_select_related = ["customer", "group", "passage__journey", "done_by"]
    list_filter = [OpenFilter, WhoseFilter, "group"]
    search_fields = ["title", "customer__name", "=customer__email"]
    ordering = ["due_at", "pk"]
    actions = ["finish", "take_up_again"]
    nothing_yet = _("Journeys put tasks here: a node of the kind “Action”, “a task for staff”.")

    @display(description=_("customer"), ordering="customer")
    def person(self, task: StaffTask) -> str:
        url = reverse("admin:crm_customer_change", args=[task.customer_id])
        return format_html('<a href="{}">{}</a>', url, task.customer)

    @display(description=_("due"), ordering="due_at")
    def due(self, task: StaffTask) -> Any:
        return task.due_at

    @display(description=_("state"), label={"open": "info", "late": "danger", "done": "success"})
    def shown_state(self, task: StaffTask) -> tuple[str, Any]:
        if task.done_at is not None:
            who = f" ({task.done_by})" if task.done_by else ""
            return "done", f"{_('done')}{who}"
        return ("late", _("late")) if task.is_late(timezone.now()) else ("open", _("to be done"))

    @display(description=_("journey"))
    def journey(self, task: StaffTask) -> str:
        if task.passage is None:
            return "–"
        journey = task.passage.journey
        url = reverse("admin:campaigns_journey_result", args=[journey.pk])
        return format_html('<a href="{}?customer={}">{}</a>', url, task.customer_id, journey)

    @admin.action(description=_("Mark as done"), permissions=["finish"])
    def finish(self, request: HttpRequest, tasks: Any) -> None:
        count = tasks.filter(done_at=None).update(done_at=timezone.now(), done_by=request.user)
        said = ngettext("%(n)s task is done.", "%(n)s tasks are done.", count)
        messages.success(request, said % {"n": count})

    @admin.action(description=_("Take up again"), permissions=["finish"])
    def take_up_again(self, request: HttpRequest, tasks: Any) -> None:
        count = tasks.exclude(done_at=None).update(done_at=None, done_by=None)
        said = ngettext("%(n)s task is open again.", "%(n)s tasks are open again.", count)
        messages.success(request, said % {"n": count})

    def has_finish_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("campaigns.change_stafftask")
