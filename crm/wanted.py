"""The kinds of events that somebody listens for now: known for seconds, asked of one cache.

A subscription that changes while the product runs says with one of these which kinds it wants.
"""

from collections.abc import Callable, Iterable

from django.core.cache import cache
from django.db import transaction

KNOWN_FOR = 5  # seconds that a process without a shared cache may not know of a new listener


class Wanted:
    """`lists`: what each listener wants, from the database."""

    def __init__(self, name: str, lists: Callable[[], Iterable[Iterable[str]]]) -> None:
        self.name, self._lists = f"{name}:wanted", lists

    def __call__(self) -> frozenset[str]:
        known: frozenset[str] | None = cache.get(self.name)
        if known is None:
            known = frozenset(kind for kinds in self._lists() for kind in kinds)
            cache.set(self.name, known, KNOWN_FOR)
        return known

    def forget(self) -> None:
        """It has changed: nobody may go by what was known, nor by what was read before."""
        cache.delete(self.name)
        transaction.on_commit(lambda: cache.delete(self.name))
