"""What we expect of one customer: chances with their reasons, value to come, the next order."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm import features, scores
from crm.insight.drawing import Frame
from crm.insight.value_curve import curve
from crm.models import Customer, Score

# In the order that staff read them; what is not scored is left out.
CHANCES = {
    "purchase_30": _("Buys within 30 days"),
    "purchase_90": _("Buys within 90 days"),
    "churn_30": _("Stays away for 30 days"),
    "churn_90": _("Stays away for 90 days"),
}


@dataclass(frozen=True)
class Reason:
    """weight: from -100, the strongest against, to 100, the strongest for it."""

    sentence: str
    weight: float


@dataclass(frozen=True)
class Gauge:
    """One chance, 0 to 1, with its interval and what made it."""

    title: str
    chance: float
    lower: float
    upper: float
    reasons: list[Reason]
    version: str
    at: datetime


def panel(customer: Customer) -> dict[str, Any]:
    """One query, and three for the curve where there is one, and now and then the currency."""
    known = scores.of_customer(customer)
    return {
        "gauges": [_gauge(title, known[name]) for name, title in CHANCES.items() if name in known],
        "value": known.get("clv"),
        "next_order": _next_order(known["next_order"]) if "next_order" in known else None,
        "curve": _drawn(customer, known["clv"]) if "clv" in known else None,
        "currency": features.shop_currency(now=known["clv"].at) if "clv" in known else "",
    }


def _next_order(score: Score) -> dict[str, Any]:
    """Dates as dates, for the page; the numbers behind them are its reasons."""
    detail = score.detail
    dates = {key: date.fromisoformat(detail[key]) for key in ("date", "lower", "upper")}
    return {**detail, **dates, "version": score.version}


def _drawn(customer: Customer, score: Score) -> dict[str, Any] | None:
    """The curve of what was spent and what is expected, as paths of a picture."""
    found = curve(customer, score)
    if found is None:
        return None
    past, coming = found.past, found.expected
    top = max(point.upper for point in (*past, *coming))
    frame = Frame(left=0, right=coming[-1].day, top=1.05 * top)
    return {
        "past": frame.line([(point.day, point.money) for point in past], in_steps=True),
        "expected": frame.line([(point.day, point.money) for point in coming]),
        "fan": frame.area(
            [(point.day, point.upper) for point in coming],
            [(point.day, point.lower) for point in coming],
        ),
        "spent": past[-1].money,
        "first": found.first,
        "now": found.now,
        "now_share": coming[0].day / max(coming[-1].day, 1),
        "end": found.first + timedelta(days=coming[-1].day),
    }


def _gauge(title: Any, score: Score) -> Gauge:
    told = score.detail.get("reasons", [])
    strongest = max((abs(weight) for _name, _value, weight in told), default=0.0) or 1.0
    sentences = scores.sentences(score)
    return Gauge(
        title=str(title),
        chance=score.value,
        lower=score.detail.get("lower", score.value),
        upper=score.detail.get("upper", score.value),
        reasons=[
            Reason(sentence, 100 * weight / strongest)
            for sentence, (_name, _value, weight) in zip(sentences, told, strict=True)
        ],
        version=score.version,
        at=score.at,
    )
