"""Pages of their own whose numbers are counted now and then, not for everybody who looks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language

FRESH = 300  # seconds


def counted(
    request: HttpRequest,
    template: str,
    numbers: Callable[[datetime], dict[str, Any]],
    *,
    title: str,
    permission: str,
) -> HttpResponse:
    """Show `numbers(now)`, kept for a while for every reader of this language."""
    if not request.user.has_perm(permission):
        raise PermissionDenied
    key = f"{template}:{get_language()}"
    figures = cache.get(key)
    if figures is None:
        figures = numbers(timezone.now())
        cache.set(key, figures, FRESH)
    return render(request, template, admin.site.each_context(request) | figures | {"title": title})
