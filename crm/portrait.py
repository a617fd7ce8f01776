"""The customer page, put together from panels. Apps above add their own in `apps.py`."""

from typing import Any

from crm.models import Customer
from crm.panels import Panel, Panels, UnknownPanel

__all__ = ["Panel", "UnknownPanel", "of", "one", "register"]

_panels = Panels("customer", later="crm/panel_later.html")
register = _panels.register


def of(customer: Customer) -> list[dict[str, Any]]:
    """Every panel of this customer, in order, as `{template, …what it shows}`."""
    return _panels.of(customer)


def one(name: str, customer: Customer) -> dict[str, Any]:
    """One panel, filled. Raises UnknownPanel."""
    return _panels.one(name, customer)
