"""The figures of the chat as charts, in the reader's language."""

import json
from collections.abc import Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chatbot.figures import Answered, Rate
from chatbot.satisfaction import Liked
from crm import intervals

# Told apart by people who see colours differently, too (Okabe and Ito 2008).
OURS, THEIRS = "#0072b2", "#e69f00"
QUIET = {"color": "rgba(148, 163, 184, .2)"}


def drawn(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers, and what charts are made of."""
    rates = (
        (_("settled by the bot alone"), numbers["contained"]),
        (_("handed over to staff"), numbers["handed_over"]),
        (_("written again within three days of being resolved"), numbers["reopened"]),
        (_("thumbs up for the bot's answers"), numbers["feedback"]),
        (_("rated four or five of five"), numbers["csat"]),
    )
    return numbers | {
        "rates_drawn": _drawn([(name, rate) for name, rate in rates if rate.size]),
        "rates_empty": [name for name, rate in rates if not rate.size],
        "days_chart": _days(numbers["by_day"]),
        "days_options": _options(_("hand-overs"), stacked=True),
        "waits_chart": _waits(numbers["by_day"]),
        "waits_options": _options(_("minutes"), stacked=False),
        "buyers_drawn": _gap(numbers["versus"]),
        "liked_chart": _liked(numbers["liked_by_day"]),
        "liked_options": _options(_("ratings"), stacked=True),
    }


def _drawn(rates: Sequence[tuple[str, Rate]]) -> intervals.Drawn | None:
    """All on one axis, each with how many of how many."""
    of = _("%(name)s (%(hits)s of %(size)s)")
    bars = [
        (
            of % {"name": name, "hits": rate.hits, "size": rate.size},
            rate.share or 0.0,
            rate.low,
            rate.high,
        )
        for name, rate in rates
    ]
    return intervals.drawn(bars, say=intervals.as_share)


def _gap(versus: Any) -> intervals.Drawn | None:
    if versus is None:
        return None
    return intervals.drawn(
        [
            (
                _("buyers more, where the bot may speak first"),
                versus.difference,
                versus.low,
                versus.high,
            )
        ],
        say=intervals.as_share,
    )


def _days(days: Sequence[Answered]) -> str:
    if not any(day.count for day in days):
        return ""
    given_up = [day.given_up.hits for day in days]
    return _chart(
        days,
        (_("answered"), OURS, [day.answered for day in days]),
        (_("given up without an answer"), THEIRS, given_up),
    )


def _waits(days: Sequence[Answered]) -> str:
    if not any(day.answered for day in days):
        return ""
    first = [None if day.first_answer is None else round(day.first_answer, 2) for day in days]
    return _chart(days, (_("median wait for the first answer"), OURS, first))


def _liked(days: Sequence[Liked]) -> str:
    """Counts, not shares: a day of two ratings must not look like a day of two hundred."""
    if not any(day.size for day in days):
        return ""
    return _chart(
        days,
        (_("chats rated four or five"), OURS, [day.good.hits for day in days]),
        (_("chats rated lower"), THEIRS, [day.good.size - day.good.hits for day in days]),
        (_("thumbs up"), "#56b4e9", [day.up.hits for day in days]),
        (_("thumbs down"), "#d55e00", [day.up.size - day.up.hits for day in days]),
    )


def _chart(days: Sequence[Answered | Liked], *series: tuple[str, str, list[Any]]) -> str:
    labels = [date_format(day.name, "MONTH_DAY_FORMAT") for day in days]
    datasets = [
        {"label": label, "data": data, "backgroundColor": colour, "borderColor": colour}
        | {"pointRadius": 3, "tension": 0, "spanGaps": True}
        for label, colour, data in series
    ]
    return json.dumps({"labels": labels, "datasets": datasets})


def _options(upward: str, *, stacked: bool) -> str:
    title = {"display": True, "text": upward}
    return json.dumps(
        {
            "animation": False,
            "maintainAspectRatio": False,
            "plugins": {"legend": {"display": True, "position": "bottom"}},
            "scales": {
                "x": {"stacked": stacked, "grid": {"display": False}},
                "y": {"stacked": stacked, "beginAtZero": True, "grid": QUIET, "title": title}
                | ({"ticks": {"precision": 0}} if stacked else {}),  # what is stacked is counted
            },
        }
    )
