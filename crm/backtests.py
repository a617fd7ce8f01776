"""The back-test of an artifact as its page shows it: charts and tables of later time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from crm import intervals, learned

COLOURS = ("#94a3b8", "#4f46e5", "#e69f00")
PEERS = ("spearman", "mae", "total_ratio")
MEASURES = ("auc", "average_precision", "brier", "ece", "lift_at_10")
LENGTHS = ("0", "1–2", "3–5", "6+")  # products chosen before, for which a blend has weights


def page(backtest: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the template draws; None where an artifact has no back-test."""
    if backtest.get("kind") == "chance":
        return _of_chance(backtest)
    if backtest.get("kind") == "value":
        return _of_value(backtest)
    if backtest.get("kind") == "lists":
        return _of_lists(backtest)
    return None


def _of_chance(backtest: Mapping[str, Any]) -> dict[str, Any]:
    tenths = backtest["tenths"]
    numbers = [str(place) for place in range(1, len(tenths) + 1)]
    across = _("Tenths of the customers, the likeliest last")
    splits = [backtest["random_split"], backtest["time_split"]]
    return {
        "calibration": _chart(
            numbers,
            (_("foretold"), [100 * tenth["expected"] for tenth in tenths]),
            (_("actual"), [100 * tenth["rate"] for tenth in tenths]),
        ),
        "calibration_options": _options(across, _("Share of customers, %")),
        "lift": _chart(numbers, (_("lift"), [tenth["lift"] for tenth in tenths])),
        "lift_options": _options(across, _("Times as often as among all")),
        "splits": [
            (learned.measure(name), *(learned.figure(split[name]) for split in splits))
            for name in MEASURES
        ],
        "members": [
            (learned.kind(name), learned.figure(auc))
            for name, auc in sorted(backtest["members"].items(), key=lambda one: -one[1])
        ],
        "left_out": backtest["left_out_orders"],
    }


def _of_value(backtest: Mapping[str, Any]) -> dict[str, Any]:
    months = backtest["months"]
    return {
        "months": _chart(
            [str(month["month"]) for month in months],
            (_("foretold"), [month["expected"] for month in months]),
            (_("actual"), [month["actual"] for month in months]),
        ),
        "months_options": _options(_("Months after the day it was foretold"), _("Money")),
        "peers": [
            (learned.kind(name), *(learned.figure(found[one]) for one in PEERS))
            for name, found in backtest["peers"].items()
        ],
        "covered": backtest["covered"],
    }


def _of_lists(backtest: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of products: gaps to the rivals, quality by length of the history, the voices."""
    groups = backtest["histories"]
    names = {
        "baseline": _("what sells"),
        "candidate": _("this one"),
        "champion": _("champion then"),
    }
    series = [
        (said, [group[name] for group in groups])
        for name, said in names.items()
        if groups and name in groups[0]
    ]
    return {
        "lists": backtest["customers"],
        "is_kept": backtest.get("is_kept", False),
        "gaps": intervals.drawn(
            [
                (names[name], gap["mean"], gap["low"], gap["high"])
                for name, gap in backtest["gaps"].items()
            ]
        ),
        "histories": _chart([_length(group) for group in groups], *series),
        "histories_options": _options(_("Products chosen before"), _("list quality (NDCG of ten)")),
        "voices": [(_voice(voice), voice["weights"]) for voice in backtest["voices"]],
        "lengths": _lengths(backtest["voices"]),
    }


def _voice(voice: Mapping[str, Any]) -> str:
    said, days = learned.kind(voice["name"]), voice.get("half_life")
    if not days:
        return said
    return _("%(voice)s, half forgotten after %(days)s days") % {"voice": said, "days": f"{days:g}"}


def _lengths(voices: list[Mapping[str, Any]]) -> list[str]:
    """What the weights of a voice stand for, from nothing chosen before to a long history."""
    if voices and len(voices[0]["weights"]) == len(LENGTHS):
        return list(LENGTHS)
    return [_("short history"), _("longer history")]


def _length(group: Mapping[str, Any]) -> str:
    fewest, most = group["fewest"], group["most"]
    return f"{fewest}–{most}" if most else f"{fewest}+"


def _options(across: str, upward: str) -> str:
    """Bars side by side, with named scales and a legend: the two are there to be compared."""
    return json.dumps(
        {
            "animation": False,
            "maintainAspectRatio": False,
            "plugins": {"legend": {"display": True, "position": "bottom"}},
            "scales": {
                "x": {"stacked": False, "grid": {"display": False}, "title": _title(across)},
                "y": {"stacked": False, "beginAtZero": True, "title": _title(upward)},
            },
        }
    )


def _title(text: str) -> dict[str, Any]:
    return {"display": True, "text": text}


def _chart(labels: Sequence[str], *series: tuple[str, Sequence[float]]) -> str:
    return json.dumps(
        {
            "labels": list(labels),
            "datasets": [
                {"label": label, "data": list(data), "backgroundColor": colour}
                for (label, data), colour in zip(series, COLOURS, strict=False)
            ],
        }
    )
