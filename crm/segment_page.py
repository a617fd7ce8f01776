"""The page of a segment, put together from panels. Apps above add their own in `apps.py`,
and say where they use a segment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from crm.models import Segment
from crm.panels import Panel, Panels, UnknownPanel

__all__ = [
    "Panel",
    "UnknownPanel",
    "Use",
    "of",
    "one",
    "register",
    "register_use",
    "rule_editor",
    "uses",
]


@dataclass(frozen=True)
class Use:
    """Somewhere that a segment is used: what it is called, its state, and its page."""

    name: str
    state: str
    url: str


_panels = Panels("segment", later="crm/segment_panel_later.html")
register = _panels.register
_users: list[Callable[[Segment], list[Use]]] = []


def register_use(find: Callable[[Segment], list[Use]]) -> None:
    """Name a function that says where a segment is used; at most a handful, newest first."""
    if find not in _users:
        _users.append(find)


def uses(segment: Segment) -> Iterator[Use]:
    for find in _users:
        yield from find(segment)


def of(segment: Segment, *, now: datetime) -> list[dict[str, Any]]:
    """Every panel of this segment, in order, as `{template, …what it shows}`."""
    return _panels.of(segment, now)


def one(name: str, segment: Segment, *, now: datetime) -> dict[str, Any]:
    """One panel, filled. Raises UnknownPanel."""
    return _panels.one(name, segment, now)


def rule_editor(name: str) -> SafeString:
    """The editor of rules as HTML, empty, for pages of apps above.

    They add `crm/rule_editor.js` and `crm/segments.css`, and make a `RuleEditor` of each copy.
    """
    from crm.forms import RuleEditor  # what forms need is made when the apps are ready

    html: SafeString = RuleEditor().render(name, None)
    return html
