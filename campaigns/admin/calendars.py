"""The month as a page of its own."""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import agenda

EARLIEST, LATEST = 2000, 2200


def calendar_page(admin: "ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    """`?month=2026-11`; this month for anything else."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    now = timezone.now()
    first = _month(request.GET.get("month", "")) or timezone.localdate(now).replace(day=1)
    weeks = agenda.month(first, now=now)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": _("Calendar"),
        "weeks": weeks,
        "first": first,
        "before": agenda.preceding(first),
        "after": agenda.following(first),
        "zone": settings.TIME_ZONE,
        "has_any": any(day.entries for week in weeks for day in week),
    }
    return TemplateResponse(request, "campaigns/calendar.html", context)


def _month(text: str) -> date | None:
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if EARLIEST <= first.year <= LATEST else None
