"""What a merge writes into the fields of the customer who stays, and taking it out again."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from crm.models import Customer


def _or(mine: Any, theirs: Any) -> Any:
    return mine or theirs


CHOICES: dict[str, Callable[[Any, Any], Any]] = {
    "name": _or,
    "email": _or,
    "phone": _or,
    "country": _or,
    "is_known": _or,
    "first_seen_at": min,
    "last_seen_at": max,
}
FIELDS = [*CHOICES, "traits"]
Filled = dict[str, Any]  # {"fields": {name: [before, after]}, "traits": {added}}


def fill(winner: Customer, loser: Customer) -> Filled:
    """Complete the winner (not saved) with what the loser knows; return what changed."""
    fields = {}
    for name, choose in CHOICES.items():
        before = getattr(winner, name)
        after = choose(before, getattr(loser, name))
        if after != before:
            setattr(winner, name, after)
            fields[name] = [_plain(before), _plain(after)]
    added = {key: value for key, value in loser.traits.items() if key not in winner.traits}
    winner.traits = winner.traits | added
    return {"fields": fields, "traits": added}


def take_back(winner: Customer, filled: Filled) -> None:
    """Undo `fill` (not saved). What was changed since by somebody else stays."""
    for name, (before, after) in filled.get("fields", {}).items():
        if _plain(getattr(winner, name)) == after:
            setattr(winner, name, _read(name, before))
    added = filled.get("traits", {})
    winner.traits = {
        key: value
        for key, value in winner.traits.items()
        if key not in added or added[key] != value
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(name: str, value: Any) -> Any:
    return parse_datetime(value) if name.endswith("_at") else value
