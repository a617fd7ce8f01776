"""What customers say: the week beside the weeks before, and the segments of who said it."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm import segments
from crm.admin.pages import counted
from crm.models import Aspect, Segment
from crm.opinions import weekly

COLOURS = {"pos": "#009e73", "neu": "#999999", "neg": "#d55e00"}  # Okabe and Ito 2008


def say(request: HttpRequest) -> HttpResponse:
    """The page itself."""
    return counted(
        request,
        "crm/opinions.html",
        numbers,
        title=_("What customers say"),
        permission="crm.view_opinion",
    )


def make_segment(request: HttpRequest) -> HttpResponse:
    """The segment of who said it within a week: opened, or made first. POST only."""
    if not request.user.has_perm("crm.add_segment"):
        raise PermissionDenied
    said = {
        name: request.POST[name][:100]
        for name in ("aspect", "word", "sentiment")
        if request.POST.get(name)
    }
    rule = {"opinion": said, "days": 7}
    try:
        segments.matching(rule, now=timezone.now())
    except segments.BadRule as reason:
        messages.error(request, str(reason))
        return redirect("admin:crm_opinions")
    segment = _segment(said, rule)
    segments.refresh(segment, now=timezone.now())
    return redirect("admin:crm_segment_change", segment.pk)


def numbers(now: datetime) -> dict[str, Any]:
    """All that the page shows."""
    weeks = weekly.by_week(now)
    aspects = weekly.aspects(now)
    return {
        "weeks_chart": json.dumps(_weeks(weeks)),
        "weeks_options": json.dumps(_stacked(sideways=False)),
        "aspect_chart": json.dumps(_aspects(aspects)),
        "aspect_options": json.dumps(_stacked(sideways=True, most=100)),
        "aspects": aspects,
        "topics": weekly.told_topics(now),
        "said": sum(sum(feelings.values()) for _week, feelings in weeks),
        "this_week": weeks[-1][1],
        "before_weeks": weekly.BEFORE,
        "as_of": now,
    }


def _weeks(weeks: list[tuple[datetime, dict[str, int]]]) -> dict[str, Any]:
    local = [timezone.localtime(start) for start, _feelings in weeks]
    return {
        "labels": [date_format(start, "MONTH_DAY_FORMAT") for start in local],
        "datasets": [
            {
                "label": name,
                "data": [feelings[label] for _start, feelings in weeks],
                "backgroundColor": COLOURS[label],
            }
            for label, name in _named()
        ],
    }


def _aspects(trends: list[weekly.Trend]) -> dict[str, Any]:
    shown = sorted(trends, key=lambda trend: -sum(trend.feelings.values()))
    return {
        "labels": [trend.name for trend in shown],
        "datasets": [
            {
                "label": name,
                "data": [round(100 * trend.share(label), 1) for trend in shown],
                "backgroundColor": COLOURS[label],
            }
            for label, name in _named()
        ],
    }


def _named() -> list[tuple[str, str]]:
    return [("pos", _("positive")), ("neu", _("neutral")), ("neg", _("negative"))]


def _stacked(*, sideways: bool, most: int | None = None) -> dict[str, Any]:
    quiet = {"color": "rgba(148, 163, 184, .2)"}
    figures: dict[str, Any] = {"stacked": True, "beginAtZero": True, "grid": quiet}
    if most:
        figures |= {"max": most, "title": {"display": True, "text": _("Share of mentions, %")}}
    names = {"stacked": True, "grid": {"display": False}, "ticks": {"autoSkip": not sideways}}
    return {
        "animation": False,
        "maintainAspectRatio": False,
        "indexAxis": "y" if sideways else "x",
        "barPercentage": 0.7,
        "plugins": {"legend": {"display": True, "position": "bottom"}},
        "scales": {"x": figures if sideways else names, "y": names if sideways else figures},
    }


def _segment(said: dict[str, str], rule: dict[str, Any]) -> Segment:
    words = "-".join(said[name] for name in ("aspect", "word", "sentiment") if name in said)
    if not words.isascii():  # a slug is for addresses; the name says it in words
        words = hashlib.sha256(words.encode()).hexdigest()[:12]
    slug = f"said-{slugify(words)}"[:64]
    aspect = Aspect.objects.filter(slug=said.get("aspect", "")).first()
    names = {}
    for language in ("en", "zh-hans"):
        with override(language):
            subject = str(aspect) if aspect else said.get("word") or said.get("aspect", "")
            feeling = {"positive": _("positive"), "negative": _("negative")}.get(
                said.get("sentiment", ""), _("any feeling")
            )
            names[language] = _("Said this week: %(subject)s (%(feeling)s)") % {
                "subject": subject,
                "feeling": feeling,
            }
    segment, _made = Segment.objects.get_or_create(
        slug=slug,
        defaults={
            "kind": Segment.Kind.RULE,
            "rule": rule,
            "name_en": names["en"][:100],
            "name_zh": names["zh-hans"][:100],
        },
    )
    return segment
