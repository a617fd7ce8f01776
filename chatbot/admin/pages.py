"""Pages of the chat beside its lists: figures and worth, and what the bot has to learn."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chatbot import figures as staff_figures
from chatbot import learning as bot_learning
from chatbot import satisfaction, unanswered, worth
from chatbot.admin import charts
from chatbot.admin.desk import MAY_ACT, MAY_SEE

FRESH = 120  # seconds


def figures(request: HttpRequest) -> HttpResponse:
    """Counted now and then, not for everybody who looks."""
    _require(request)
    key = f"chatbot:figures:{get_language()}"
    shown = cache.get(key)
    if shown is None:
        now = timezone.localtime()
        numbers = staff_figures.numbers(now) | worth.numbers(now) | satisfaction.numbers(now)
        shown = charts.drawn(numbers) | {"unanswered": unanswered.of_week(now)}
        cache.set(key, shown, FRESH)
    viewer: Any = request.user
    liked = satisfaction.visible(shown["liked_by_person"], viewer)
    shown = shown | {"liked_by_person": liked, "few": satisfaction.FEW}
    return _page(request, "figures", _("Figures of the chat"), shown)


def learning(request: HttpRequest, intents: list[str]) -> HttpResponse:
    """Messages the bot was unsure about, across all chats, to be corrected in one click."""
    _require(request)
    filters = bot_learning.Filters.of(request.GET)
    messages, has_more = bot_learning.unsure(filters)
    kept = {"language": filters.language, "intent": filters.intent}
    kept |= {"taught": "1"} if filters.taught else {}
    shown = {
        "messages_unsure": messages,
        "filters": filters,
        "intents": intents,
        "may_act": request.user.has_perm(MAY_ACT),
        "newer": _address(kept, filters.page - 1) if filters.page > 1 else "",
        "older": _address(kept, filters.page + 1) if has_more else "",
        "report": bot_learning.report(),
    }
    return _page(request, "learning", _("What the bot has to learn"), shown)


def _address(kept: dict[str, str], page: int) -> str:
    return "?" + urlencode({**{k: v for k, v in kept.items() if v}, "page": page})


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied


def _page(request: HttpRequest, name: str, title: str, shown: dict[str, Any]) -> HttpResponse:
    context = admin.site.each_context(request) | shown | {"title": title}
    return render(request, f"chatbot/{name}.html", context)
