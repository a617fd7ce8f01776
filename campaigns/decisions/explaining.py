"""Why this action: codes with their numbers for the log, and a sentence for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from campaigns.decisions.snapshots import FEATURES, LOGARITHMIC, LONG_AGO
from campaigns.models import NOTHING, Decision
from campaigns.models.placements import named
from crm import features

MOST_DRIVERS = 2
BY_CRM = frozenset(("tenure", "orders", "spend", "days_since_order"))
KINDS = {
    "rules": gettext_noop("the weights that staff set"),
    "uniform": gettext_noop("chance alone"),
    "weighted": gettext_noop("shares set by staff"),
    "thompson": gettext_noop("Thompson sampling"),
    "linucb": gettext_noop("LinUCB"),
    "logistic-ucb": gettext_noop("logistic regression with hope"),
    "logistic-thompson": gettext_noop("logistic Thompson sampling"),
    "greedy": gettext_noop("the highest foretold chance"),
}
CODES: dict[str, Promise] = {
    "inactive": gettext_lazy("It is switched off"),
    "holdout": gettext_lazy("The customer is held out, to measure what the actions do"),
    "vetoed": gettext_lazy("A member of staff vetoed it"),
    "window": gettext_lazy("It is outside the time in which it is active"),
    "value_limit": gettext_lazy("It is worth more than the placement allows"),
    "segment": gettext_lazy("The customer is not in its segment"),
    "frequency_cap": gettext_lazy("Enough actions within the time of the cap"),
    "repeat": gettext_lazy("The customer had it not long ago"),
    "elsewhere": gettext_lazy("It goes out by another channel than the one that asked"),
    "other_time": gettext_lazy("It goes out at another time of day"),
    "no_stock": gettext_lazy("None of it is left"),
    "no_coupon": gettext_lazy("Its coupon is not valid"),
    "no_address": gettext_lazy("No address for this channel"),
    "no_consent": gettext_lazy("No consent to this topic and channel"),
    "suppressed": gettext_lazy("The address must not be written to"),
    "quiet_hours": gettext_lazy("It would come within the quiet hours"),
}


def code(name: str) -> str:
    return str(CODES.get(name, name))


def kind(name: str) -> str:
    """A policy in words."""
    return _(KINDS[name]) if name in KINDS else name


def reasons(
    chosen: str,
    candidates: Mapping[str, float],
    refused: Mapping[str, Sequence[str]],
    weights: Sequence[float],
    values: Sequence[float],
) -> list[list[Any]]:
    """[code, …what goes with it]: how it came about first, then what spoke for it most.

    weights: by how much each feature did.
    """
    if len(candidates) == 1:
        return [[_why_alone(chosen, refused)]]
    how = "preferred" if candidates[chosen] >= max(candidates.values()) - 1e-12 else "explored"
    found: list[list[Any]] = [[how]]
    if how == "preferred":
        speaking = [place for place, weight in enumerate(weights) if weight > 0]
        speaking.sort(key=lambda place: (-weights[place], place))
        found += [["feature", FEATURES[place], values[place]] for place in speaking[:MOST_DRIVERS]]
    return found


WORDS = {
    "held_out": gettext_noop(
        "Nothing is done: the customer is held out, to measure what the actions do."
    ),
    "nothing_eligible": gettext_noop("Nothing is done: no action is eligible."),
    "only_one": gettext_noop("“%(action)s”: the only action that is eligible."),
    "explored": gettext_noop(
        "“%(action)s”: drawn by chance (%(chance)s) among %(count)s, to go on learning, "
        "though %(policy)s prefers another."
    ),
    "preferred": gettext_noop(
        "“%(action)s”: %(policy)s chose it with a chance of %(chance)s among %(count)s."
    ),
    "because": gettext_noop(
        "“%(action)s”: %(policy)s chose it with a chance of %(chance)s among %(count)s, "
        "above all because of: %(because)s."
    ),
}


def sentence(
    chosen: str,
    names: Sequence[str],
    policy: str,
    candidates: Mapping[str, float],
    why: Sequence[Sequence[Any]],
    language: str = "en",
) -> str:
    """In the present language, which `language` names for the name of the action."""
    how, because = why[0][0], [said(name, value) for _code, name, value in why[1:]]
    told = {
        "action": _("nothing") if chosen == NOTHING else named(names[0], names[1], language),
        "policy": kind(policy),
        "chance": percent(candidates[chosen]),
        "count": len(candidates),
        "because": _("; ").join(because),
    }
    return _(WORDS["because" if how == "preferred" and because else how]) % told


def in_english(  # noqa: PLR0913  (all that a sentence says)
    chosen: str,
    names: Sequence[str],
    policy: str,
    candidates: Mapping[str, float],
    why: Sequence[Sequence[Any]],
) -> str:
    """Whatever the present language: as replays compare it and partners log it."""
    with translation.override("en"):
        return sentence(chosen, names, policy, candidates, why)


def logged(row: Decision) -> str:
    """Why a decision of the log was made, in English. Old rows have their words with them."""
    if row.words:
        return row.words
    actions = row.catalogue.content["actions"]
    names = next((one["names"] for one in actions if one["slug"] == row.choice), ["", ""])
    return in_english(row.choice, names, row.policy, row.candidates, row.reasons)


def said(name: str, value: float) -> str:
    """A feature as people read it."""
    plain = math.expm1(value) if name in LOGARITHMIC else value
    if name == "days_since_order" and plain >= LONG_AGO - 1:
        return _("no order, or none for years")
    if name in BY_CRM:
        return features.said(name, round(plain, 1))
    if name == "is_known":
        return _("a known customer") if value else _("a visitor whom we do not know")
    if name == "reads_chinese":
        return _("reads Chinese") if value else _("reads English")
    if name == "days_since_seen":
        return _("%(value)s days since the last visit") % {"value": f"{plain:.0f}"}
    return _("%(value)s actions here lately") % {"value": f"{plain:.0f}"}


def _why_alone(chosen: str, refused: Mapping[str, Sequence[str]]) -> str:
    if chosen != NOTHING:
        return "only_one"
    held_out = bool(refused) and all("holdout" in codes for codes in refused.values())
    return "held_out" if held_out else "nothing_eligible"


def percent(chance: float) -> str:
    """A chance as people read it."""
    return f"{100 * chance:.0f} %" if chance >= 0.1 else f"{100 * chance:.1f} %"
