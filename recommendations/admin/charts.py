"""The health page's numbers as charts, in the reader's language."""

import json
from collections.abc import Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm import intervals
from crm.models import Artifact
from recommendations.exposure import Week
from recommendations.health import Clicks

# Told apart by people who see colours differently, too (Okabe and Ito 2008).
OURS, THEIRS, LOOKED_AT = "#0072b2", "#e69f00", "#009e73"
METRIC = "ndcg@10"
QUIET = {"color": "rgba(148, 163, 184, .2)"}


def drawn(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers, and what charts are made of."""
    test, champion, shift = numbers["test"], numbers["champion"], numbers["drift"]
    return numbers | {
        "champion_version": f"{champion.name}#{champion.pk}" if champion else "",
        "shifts": [
            (_("Categories"), shift.categories),
            (_("Brands"), shift.brands),
            (_("Products"), shift.products),
        ]
        if shift
        else [],
        "quality_chart": _quality(numbers["trainings"]),
        "quality_options": _options(_("trained on data until"), _("list quality (NDCG of ten)")),
        "positions_chart": _positions(numbers["positions"]),
        "positions_options": _options(_("Position in the list"), "%"),
        "reach_chart": _reach(numbers["weeks"]),
        "reach_options": _options(_("week until"), ""),
        "test_drawn": preference(test["result"]) if test else None,
    }


def preference(result: Any) -> intervals.Drawn | None:
    """The share that prefers the second artifact, on an axis that always shows one half."""
    if not result.first + result.second:
        return None
    found = result.interval
    bar = (_("prefer the second"), found.share, found.low, found.high)
    return intervals.drawn([bar], zero=0.5, say=intervals.as_share)


def _quality(trainings: Sequence[Artifact]) -> str:
    if len(trainings) < 2:
        return ""  # one point is no course of time; the artifact's page has its figures
    series = [
        (_("this training"), OURS, [one.metrics.get(METRIC) for one in trainings]),
        (_("what sells"), THEIRS, [one.baseline_metrics.get(METRIC) for one in trainings]),
    ]
    labels = [date_format(one.as_of, "SHORT_DATE_FORMAT") for one in trainings]
    served = [5 if one.promoted_at else 2 for one in trainings]
    return json.dumps(
        {
            "labels": labels,
            "datasets": [
                {"label": label, "data": data, "borderColor": colour, "backgroundColor": colour}
                | {"pointRadius": served if colour == OURS else 0, "tension": 0}
                for label, colour, data in series
            ],
        }
    )


def _reach(weeks: Sequence[Week]) -> str:
    if len(weeks) < 2:
        return ""  # the figures stand beside it
    series = [
        (_("products in any list"), OURS, [round(one.coverage, 3) for one in weeks]),
        (_("inequality (Gini index)"), THEIRS, [round(one.gini, 3) for one in weeks]),
    ]
    return json.dumps(
        {
            "labels": [date_format(one.until, "SHORT_DATE_FORMAT") for one in weeks],
            "datasets": [
                {"label": label, "data": data, "borderColor": colour, "backgroundColor": colour}
                | {"pointRadius": 3, "tension": 0}
                for label, colour, data in series
            ],
        }
    )


def _positions(clicks: Sequence[Clicks]) -> str:
    if not any(one.clicked for one in clicks):
        return ""
    series = [
        (_("clicked, of those shown"), OURS, [_percent(one.rate) for one in clicks]),
        (_("clicked, of those looked at"), LOOKED_AT, [_percent(one.fair) for one in clicks]),
    ]
    return json.dumps(
        {
            "labels": [one.name for one in clicks],
            "datasets": [
                {"label": label, "data": data, "backgroundColor": colour}
                for label, colour, data in series
            ],
        }
    )


def _percent(share: float | None) -> float | None:
    return round(100 * share, 2) if share is not None else None


def _options(across: str, upward: str) -> str:
    return json.dumps(
        {
            "animation": False,
            "maintainAspectRatio": False,
            "plugins": {"legend": {"display": True, "position": "bottom"}},
            "scales": {
                "x": {"stacked": False, "grid": {"display": False}, "title": _title(across)},
                "y": {"stacked": False, "beginAtZero": True, "grid": QUIET}
                | {"title": _title(upward)},
            },
        }
    )


def _title(text: str) -> dict[str, Any]:
    return {"display": bool(text), "text": text}
