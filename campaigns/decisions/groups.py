"""Customers by the groups that are to be treated alike, as far as they are known."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop

from campaigns.ml.exposure import Exposure, exposure
from crm.models import Customer

# Marked for translation here, translated where they are read.
GROUPINGS: dict[str, str] = {
    "language": gettext_noop("Language"),
    "region": gettext_noop("Region"),
    "age": gettext_noop("Age"),
    "sex": gettext_noop("Sex"),
}
BANDS = ((0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 120))  # years
MALE, FEMALE = frozenset(("m", "male", "男", "man")), frozenset(("f", "female", "女", "woman"))
NAMES: dict[str, str] = {
    "zh": gettext_noop("Chinese"),
    "en": gettext_noop("English"),
    "male": gettext_noop("men"),
    "female": gettext_noop("women"),
    "other": gettext_noop("others"),
}


def exposures(
    customers: np.ndarray, exposed: np.ndarray, value: np.ndarray, *, now: datetime
) -> dict[str, Exposure]:
    """By grouping in which two groups can be compared. customers: (n,) ids. One query."""
    known = of(customers.tolist(), now=now)
    nobody = dict.fromkeys(GROUPINGS, "")
    found = {}
    for name in GROUPINGS:
        group = np.array([known.get(pk, nobody)[name] for pk in customers.tolist()], dtype=str)
        seen = exposure(group, exposed, value)
        if len(seen.groups) > 1:
            found[name] = seen
    return found


def of(customers: Sequence[int], *, now: datetime) -> dict[int, dict[str, str]]:
    """By customer, their group in each grouping; empty where it is not known. One query."""
    rows = Customer.objects.filter(pk__among=customers)
    return {
        pk: {
            "language": language.partition("-")[0],
            "region": str(traits.get("region") or country)[:40],
            "age": band(traits, today=now.date()),
            "sex": sex(traits),
        }
        for pk, language, country, traits in rows.values_list("pk", "language", "country", "traits")
    }


def band(traits: Mapping[str, Any], *, today: date) -> str:
    """“25–34”, of an age in years or a day of birth as ISO writes it; empty: not known."""
    years = _years(traits, today=today)
    if years is None:
        return ""
    return next((f"{low}–{high}" for low, high in BANDS if low <= years <= high), "")


def sex(traits: Mapping[str, Any]) -> str:
    said = str(traits.get("gender") or traits.get("sex") or "").strip().lower()
    if not said:
        return ""
    return "male" if said in MALE else "female" if said in FEMALE else "other"


def _years(traits: Mapping[str, Any], *, today: date) -> int | None:
    try:
        if (age := traits.get("age")) not in (None, ""):
            return int(float(age))
        born = date.fromisoformat(str(traits.get("birthday") or traits.get("birth_date"))[:10])
    except (TypeError, ValueError, OverflowError):
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
