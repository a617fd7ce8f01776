"""The customer page, put together from panels. Apps above add their own in `apps.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crm.models import Customer

Build = Callable[[Customer], dict[str, Any]]


@dataclass(frozen=True)
class Panel:
    """A part of the page: its template, and the function that fills it (a few queries).

    One that `loads_later` is asked for by the browser once the page stands: scoring a
    model must not keep the rest of a customer waiting.
    """

    name: str
    template: str
    build: Build
    order: int
    loads_later: bool = False


class UnknownPanel(Exception):
    """No panel has this name."""


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    _panels[panel.name] = panel


def of(customer: Customer) -> list[dict[str, Any]]:
    """Every panel of this customer, in order, as `{template, …what it shows}`."""
    panels = sorted(_panels.values(), key=lambda panel: panel.order)
    return [_later(p, customer) if p.loads_later else _filled(p, customer) for p in panels]


def one(name: str, customer: Customer) -> dict[str, Any]:
    """One panel, filled. Raises UnknownPanel."""
    if name not in _panels:
        raise UnknownPanel(name)
    return _filled(_panels[name], customer)


def _filled(panel: Panel, customer: Customer) -> dict[str, Any]:
    return {"template": panel.template, "customer": customer, **panel.build(customer)}


def _later(panel: Panel, customer: Customer) -> dict[str, Any]:
    return {"template": "crm/panel_later.html", "customer": customer, "name": panel.name}
