"""Querysets whose SQL is written once and run again with other values.

For a row or two, building and compiling a query costs the processor several times what running it
does. What is asked here is still a queryset, read and tested as one; its values are marks that the
values of each call take the place of.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from threading import local
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Kind = (
    type | int
)  # of a value: int, str or datetime; a number: a list of ids of at most that length
MARK = 7_204_518_233_000  # far from any id


class Prepared:
    """A queryset of `values_list`; built anew for each thread, as connections are."""

    def __init__(self, build: Callable[..., "QuerySet[Any, Any]"], **kinds: Kind) -> None:
        self._build, self._kinds, self._kept = build, kinds, local()

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """What the queryset gives for these values, as tuples. A list may be shorter than told."""
        compiler, sql, places = self._compiled()
        given = {name: self._adapted(name, value) for name, value in values.items()}
        with connection.cursor() as cursor:
            cursor.execute(sql, [place(given) for place in places])
            return list(compiler.results_iter([cursor.fetchall()], tuple_expected=True))

    def _compiled(self) -> Any:
        kept = self._kept.__dict__
        if connection.alias not in kept:
            marks = {name: _mark(kind, n) for n, (name, kind) in enumerate(self._kinds.items())}
            compiler = self._build(**marks).query.get_compiler(connection=connection)
            sql, params = compiler.as_sql()
            marked = dict(self._places(marks))
            places = [marked.get(param, lambda _, same=param: same) for param in params]
            kept[connection.alias] = compiler, sql, places
        return kept[connection.alias]

    def _places(self, marks: dict[str, Any]) -> Iterator[tuple[Any, Callable[..., Any]]]:
        for name, mark in marks.items():
            if isinstance(mark, list):
                for number, one in enumerate(mark):
                    yield one, lambda given, name=name, number=number: given[name][number]
            else:
                yield _for_database(mark), lambda given, name=name: given[name]

    def _adapted(self, name: str, value: Any) -> Any:
        kind = self._kinds[name]
        return _filled(value, kind) if isinstance(kind, int) else _for_database(value)


def _mark(kind: Kind, number: int) -> Any:
    if isinstance(kind, int):
        return [MARK + 10_000 * (number + 1) + place for place in range(kind)]
    if kind is datetime:
        return datetime(1901 + number, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    return kind(MARK + number)


def _filled(ids: Sequence[int], length: int) -> list[int]:
    """As long as the statement was written for; an id twice is found once."""
    if len(ids) > length:
        raise ValueError(f"{len(ids)} ids, prepared for {length}")
    return [*ids, *[ids[-1] if ids else -1] * (length - len(ids))]


def _for_database(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
