"""For staff: every algorithm's list for one customer, and why a product is not in it."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm import learned
from crm.models import Customer, Product
from recommendations import serving
from recommendations.recommended import Recommended

PLACES = 10
ANSWERED = 3  # products found by a search that are explained
LISTS = ("shown", "blend")  # first what the customer sees, then what it is made of


def of(customer: Customer, *, now: datetime) -> list[dict[str, Any]]:
    """The list as it is shown, the blend by score alone, then the voices, the loudest first."""
    found = serving.sides(customer, n=PLACES, now=now)
    first = [side for name in LISTS for side in found if side.name == name]
    return [_column(side) for side in [*first, *(s for s in found if s.name not in LISTS)]]


def why_not(customer: Customer, text: str, *, now: datetime) -> dict[str, Any]:
    """The verdicts on the products that a text names, by SKU or a part of the title."""
    if not text:
        return {"verdicts": [], "is_more": False}
    named = Q(sku__iexact=text) | Q(title_en__icontains=text) | Q(title_zh__icontains=text)
    rows = Product.objects.filter(named).select_related("category", "brand").order_by("pk")
    found = list(rows[: ANSWERED + 1])
    verdicts = [
        serving.why_not(customer, product, n=PLACES, now=now) for product in found[:ANSWERED]
    ]
    return {"verdicts": verdicts, "is_more": len(found) > ANSWERED}


def _column(side: serving.Side) -> dict[str, Any]:
    language = get_language() or "en"
    return {
        "name": side.name,
        "title": _title(side),
        "settings": _settings(side.settings),
        "weight": side.weight,
        "lines": [{"line": line, "reason": _reason(line, language)} for line in side.lines],
        "left_out": [
            {"product": one.product, "rank": one.rank, "causes": [str(c) for c in one.causes]}
            for one in side.left_out
        ],
    }


def _reason(line: Recommended, language: str) -> str:
    return line.reason(language)


def _title(side: serving.Side) -> str:
    if side.name == "shown":
        return _("What they see")
    return _("All voices, by score alone") if side.name == "blend" else learned.kind(side.name)


def _settings(settings: dict[str, Any]) -> str:
    """What tells a voice from another of its kind: how fast it forgets."""
    days = settings.get("half_life")
    return _("half forgotten after %(days)s days") % {"days": f"{days:g}"} if days else ""
