"""The page that shows the customers as a whole: RFM grid, cohorts, clusters, value to come."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm import features
from crm.admin.pages import counted
from crm.insight import cluster_map, value
from crm.insight.group import tables
from crm.scores.clusters import words

# Told apart by people who see colours differently, too (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#f0e442")


def insight(request: HttpRequest) -> HttpResponse:
    return counted(
        request,
        "crm/insight.html",
        numbers,
        title=_("Insight"),
        permission="crm.view_customer",
    )


def numbers(now: datetime) -> dict[str, Any]:
    """All that the page shows."""
    tenths = value.tenths()
    currency = features.shop_currency(now=now)
    return {
        "tenths": tenths,
        "currency": currency,
        "value_chart": json.dumps(_value_chart(tenths)),
        "value_options": json.dumps(_value_options(currency)),
        "as_of": now,
        **tables(as_of=now),
        **_clusters(),
    }


def _value_chart(tenths: list[value.Tenth]) -> dict[str, Any]:
    return {
        "labels": [f"{10 * tenth.number} %" for tenth in tenths],
        "datasets": [
            {
                "type": "line",
                "label": _("Share of all value held so far, %"),
                "data": [round(100 * tenth.held, 1) for tenth in tenths],
                "borderColor": COLOURS[1],
                "yAxisID": "share",
            },
            {
                "label": _("Value to come in a year, mean per customer"),
                "data": [round(tenth.value, 2) for tenth in tenths],
                "backgroundColor": COLOURS[0],
            },
        ],
    }


def _value_options(currency: str) -> dict[str, Any]:
    quiet = {"color": "rgba(148, 163, 184, .2)"}
    return {
        "animation": False,
        "maintainAspectRatio": False,
        "plugins": {"legend": {"display": True, "position": "bottom"}},
        "scales": {
            "x": {
                "grid": {"display": False},
                "title": _title(_("Customers, the most valuable first")),
            },
            "y": {"beginAtZero": True, "grid": quiet, "title": _title(currency)},
            "share": {
                "position": "right",
                "min": 0,
                "max": 100,
                "grid": {"display": False},
                "title": _title("%"),
            },
        },
    }


def _clusters() -> dict[str, Any]:
    found = cluster_map.cluster_map()
    if found is None:
        return {"cluster_chart": ""}
    across, upward = _axis(found.across), _axis(found.upward)
    return {
        "cluster_chart": json.dumps(
            {"datasets": [_dots(*one) for one in zip(found.clusters, COLOURS, strict=False)]}
        ),
        "cluster_options": json.dumps(_cluster_options(across, upward)),
        "clusters": [segment for segment, _ in found.clusters],
        "plane_shown": found.shown,
    }


def _dots(cluster: tuple[Any, list[tuple[float, float]]], colour: str) -> dict[str, Any]:
    segment, points = cluster
    return {
        "label": str(segment),
        "data": [{"x": x, "y": y} for x, y in points],
        "backgroundColor": colour + "aa",
        "pointRadius": 3,
    }


def _cluster_options(across: str, upward: str) -> dict[str, Any]:
    quiet = {"color": "rgba(148, 163, 184, .2)"}
    plain = {"ticks": {"display": False}, "grid": quiet}
    return {
        "animation": False,
        "maintainAspectRatio": False,
        "plugins": {"legend": {"display": True, "position": "bottom"}},
        "scales": {
            "x": plain | {"title": _title(across)},
            "y": plain | {"title": _title(upward)},
        },
    }


def _title(text: str) -> dict[str, Any]:
    return {"display": True, "text": text}


def _axis(weights: list[tuple[str, float]]) -> str:
    """The two heaviest features in the direction that the axis grows in."""
    known, chinese = words(), (get_language() or "").startswith("zh")
    said = []
    for name, weight in weights[:2]:
        word = known[name]
        high, low = (word.high_zh, word.low_zh) if chinese else (word.high_en, word.low_en)
        said.append(high if weight > 0 else low)
    return ("、" if chinese else ", ").join(said) + " →"
