"""The list of who waits: a page that fills itself, and says that its reader is at the desk."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from chatbot import desk, staffing

MAY_SEE, MAY_ACT = "chatbot.view_conversation", "chatbot.change_conversation"


def page(request: HttpRequest) -> HttpResponse:
    _require(request, MAY_SEE)
    context = admin.site.each_context(request) | {
        "title": _("Waiting for staff"),
        "may_act": request.user.has_perm(MAY_ACT),
    }
    return render(request, "chatbot/waiting.html", context)


def rows(request: HttpRequest) -> HttpResponse:
    """Who waits now, for the page that polls."""
    _require(request, MAY_SEE)
    staff: Any = request.user
    now = timezone.localtime()
    return JsonResponse({"now": now.isoformat(), "rows": desk.waiting(staff, now=now)})


def beat(request: HttpRequest) -> HttpResponse:
    """Here, away, or back; the answer tells what waits. Only who may answer is at the desk."""
    _require(request, MAY_ACT)
    staff: Any = request.user
    try:
        wanted = json.loads(request.body or b"{}")
        is_away = wanted.get("is_away")
        if is_away not in (None, True, False):
            raise ValueError("is_away is true, false or nothing")
    except (ValueError, AttributeError):
        return JsonResponse({"error": str(_("The request could not be read."))}, status=400)
    return JsonResponse(desk.beat(staff, is_away=is_away, now=timezone.localtime()))


def take_next(request: HttpRequest) -> HttpResponse:
    """The chat that waits longest, or back to the list where somebody else was quicker."""
    _require(request, MAY_ACT)
    staff: Any = request.user
    chat = staffing.take_next(staff, now=timezone.localtime())
    if chat is None:
        return redirect("admin:chatbot_waiting")
    return redirect("admin:chatbot_conversation_change", chat.pk)


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
