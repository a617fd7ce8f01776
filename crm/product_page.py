"""The page of a product, put together from panels. Apps above add their own in `apps.py`."""

from typing import Any

from crm.models import Product
from crm.panels import Panel, Panels, UnknownPanel

__all__ = ["Panel", "UnknownPanel", "of", "one", "register"]

_panels = Panels("product", later="crm/product_panel_later.html")
register = _panels.register


def of(product: Product) -> list[dict[str, Any]]:
    """Every panel of this product, in order, as `{template, …what it shows}`."""
    return _panels.of(product)


def one(name: str, product: Product) -> dict[str, Any]:
    """One panel, filled. Raises UnknownPanel."""
    return _panels.one(name, product)
