"""Pages put together from parts: whoever has something to show of a subject registers a panel."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Panel:
    """A part of a page: its template, and the function that fills it (a few queries).

    One that `loads_later` is asked for by the browser once the page stands: scoring a
    model must not keep the rest of the page waiting.
    """

    name: str
    template: str
    build: Callable[..., dict[str, Any]]
    order: int
    loads_later: bool = False


class UnknownPanel(Exception):
    """No panel has this name."""


class Panels:
    """The panels of one page. `subject` is what templates call the thing that they show."""

    def __init__(self, subject: str, *, later: str) -> None:
        self.subject = subject
        self.later = later  # the template that asks for a panel once the page stands
        self._panels: dict[str, Panel] = {}

    def register(self, panel: Panel) -> None:
        self._panels[panel.name] = panel

    def of(self, *shown: Any) -> list[dict[str, Any]]:
        """Every panel, in order, as `{template, …what it shows}`; `shown` goes to `build`."""
        return [
            self._later(panel, *shown) if panel.loads_later else self._filled(panel, *shown)
            for panel in sorted(self._panels.values(), key=lambda panel: panel.order)
        ]

    def one(self, name: str, *shown: Any) -> dict[str, Any]:
        """One panel, filled. Raises UnknownPanel."""
        if name not in self._panels:
            raise UnknownPanel(name)
        return self._filled(self._panels[name], *shown)

    def _filled(self, panel: Panel, subject: Any, *more: Any) -> dict[str, Any]:
        built = panel.build(subject, *more)
        return {"template": panel.template, self.subject: subject, **built}

    def _later(self, panel: Panel, subject: Any, *_more: Any) -> dict[str, Any]:
        return {"template": self.later, self.subject: subject, "name": panel.name}
