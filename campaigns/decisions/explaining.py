"""Why this action: codes with their numbers for the log, and a sentence for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from campaigns.decisions.snapshots import FEATURES, LOGARITHMIC, LONG_AGO
from campaigns.models import NOTHING
from campaigns.models.decisions import named
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
    drivers: np.ndarray,
    values: Sequence[float],
) -> list[list[Any]]:
    """[code, …what goes with it]: how it came about first, then what spoke for it most."""
    if len(candidates) == 1:
        return [[_why_alone(chosen, refused)]]
    how = "preferred" if candidates[chosen] >= max(candidates.values()) - 1e-12 else "explored"
    found: list[list[Any]] = [[how]]
    if how == "preferred":
        # Whole micro-units, so that the last bits of a sum do not change the order.
        weights = [round(float(weight), 6) for weight in drivers]
        order = sorted(range(len(weights)), key=lambda place: (-weights[place], place))
        found += [
            ["feature", FEATURES[place], values[place]]
            for place in order[:MOST_DRIVERS]
            if weights[place] > 0
        ]
    return found


def sentence(
    chosen: str,
    names: Sequence[str],
    policy: str,
    candidates: Mapping[str, float],
    why: Sequence[Sequence[Any]],
    language: str = "en",
) -> str:
    """In the present language, which `language` names for the name of the action."""
    how, features_told = why[0][0], [said(name, value) for _code, name, value in why[1:]]
    told = {
        "action": _("nothing") if chosen == NOTHING else named(names[0], names[1], language),
        "policy": kind(policy),
        "chance": _percent(candidates[chosen]),
        "count": len(candidates),
    }
    if how == "held_out":
        return _("Nothing is done: the customer is held out, to measure what the actions do.")
    if how == "nothing_eligible":
        return _("Nothing is done: no action is eligible.")
    if how == "only_one":
        return _("“%(action)s”: the only action that is eligible.") % told
    if how == "explored":
        return (
            _(
                "“%(action)s”: drawn by chance (%(chance)s) among %(count)s, to go on learning, "
                "though %(policy)s prefers another."
            )
            % told
        )
    if not features_told:
        return (
            _("“%(action)s”: %(policy)s chose it with a chance of %(chance)s among %(count)s.")
            % told
        )
    told["because"] = _("; ").join(features_told)
    return (
        _(
            "“%(action)s”: %(policy)s chose it with a chance of %(chance)s among %(count)s, "
            "above all because of: %(because)s."
        )
        % told
    )


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


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %" if chance >= 0.1 else f"{100 * chance:.1f} %"
