"""The customer page, put together from panels. Apps above add their own in `apps.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crm.models import Customer

Build = Callable[[Customer], dict[str, Any]]


@dataclass(frozen=True)
class Panel:
    """A part of the page: its template, and the function that fills it (a few queries)."""

    name: str
    template: str
    build: Build
    order: int


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    _panels[panel.name] = panel


def of(customer: Customer) -> list[dict[str, Any]]:
    """Every panel of this customer, in order, as `{template, …what it shows}`."""
    panels = sorted(_panels.values(), key=lambda panel: panel.order)
    return [{"template": p.template, "customer": customer, **p.build(customer)} for p in panels]
