"""Two artifacts that answer the same requests while an online test of them runs.

Nothing is tested as a rule. Whoever runs a test says so with `register`; lists are then made by
both artifacts from one reading of the customer, and the test drafts one list of the two.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from crm.models import Artifact, Customer
from recommendations.recommended import Recommended


class Rivals(Protocol):
    """A test that this request takes part in."""

    @property
    def artifacts(self) -> tuple[Artifact, Artifact]: ...

    def draft(
        self, lists: tuple[Sequence[Recommended], Sequence[Recommended]], *, n: int
    ) -> list[Recommended]:
        """One list of up to n products; every line keeps the artifact that it came from."""
        ...


Finder = Callable[[Customer, str, datetime], Rivals | None]
_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Ask this, for every list, whether it takes part in a test."""
    if finder not in _finders:
        _finders.append(finder)


def unregister(finder: Finder) -> None:
    _finders.remove(finder)


def of(customer: Customer, *, placement: str, now: datetime) -> Rivals | None:
    """The test that this request takes part in, if any."""
    if customer.pk is None:  # nobody's clicks can be told from another's
        return None
    tests = (finder(customer, placement, now) for finder in _finders)
    return next((test for test in tests if test is not None), None)
