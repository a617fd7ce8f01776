"""Ready-made journeys for what shops want most: a draft to begin with, and the rules around it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ORDERED = "crm.order_placed"


@dataclass(frozen=True)
class Recipe:
    name: Promise
    make: Callable[[int], dict[str, Any]]  # of the template of its message
    again: str = "never"
    again_days: int = 30
    goal_event: str = ORDERED
    exit_event: str = ""


def _on(event: str, **more: Any) -> dict[str, Any]:
    return {"id": "entry", "kind": "entry", "trigger": "event", "event": event} | more


def _then(entry: dict[str, Any], minutes: int, template: int, **mail: Any) -> dict[str, Any]:
    """Wait, write, wait two days for the goal, leave."""
    wait = {
        "id": "pause",
        "kind": "wait",
        "mode": "duration",
        "minutes": minutes,
        "next": "message",
    }
    message = {"id": "message", "kind": "message", "template": template, "channel": "email"}
    rest = {"id": "rest", "kind": "wait", "mode": "duration", "minutes": 2880, "next": "end"}
    end = {"id": "end", "kind": "exit"}
    if not minutes:
        return {"nodes": [entry | {"next": "message"}, message | {"next": "rest"}, rest, end]}
    return {"nodes": [entry | {"next": "pause"}, wait, message | {"next": "rest"}, rest, end]}


def _blank(template: int) -> dict[str, Any]:
    entry = _on("crm.product_added", next="end")
    return {"nodes": [entry, {"id": "end", "kind": "exit"}]}


def _browsed(template: int) -> dict[str, Any]:
    rule = {"event": "crm.product_viewed", "op": ">=", "count": 3, "days": 2}
    return _then(_on("crm.product_viewed", rule=rule), 1440, template)


def _likely_to_go(template: int) -> dict[str, Any]:
    entry = {
        "id": "entry",
        "kind": "entry",
        "trigger": "recurring",
        "every": "day",
        "at": "10:00",
        "rule": {"score": "churn_90", "op": ">=", "value": 0.7},
    }
    return _then(entry, 0, template)


def _complained(template: int) -> dict[str, Any]:
    feeling = [{"property": "sentiment", "op": "=", "value": "neg"}]
    return _then(_on("chatbot.message_received", where=feeling), 120, template)


RECIPES: dict[str, Recipe] = {
    "blank": Recipe(_("From nothing"), _blank, goal_event=""),
    "cart": Recipe(
        _("Abandoned cart"),
        lambda template: _then(_on("crm.product_added"), 60, template),
        again="days",
        again_days=7,
    ),
    "price": Recipe(
        _("Price drop"),
        lambda template: _then(_on("campaigns.price_dropped"), 0, template),
        again="after",
    ),
    "stock": Recipe(
        _("Back in stock"),
        lambda template: _then(_on("campaigns.back_in_stock"), 0, template),
        again="after",
    ),
    "browse": Recipe(_("Looked without buying"), _browsed, again="days", again_days=14),
    "complaint": Recipe(
        _("Complaint in the chat"), _complained, again="days", again_days=30, goal_event=""
    ),
    "churn": Recipe(_("Likely to go"), _likely_to_go, again="days", again_days=90),
}
