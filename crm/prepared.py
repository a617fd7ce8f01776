"""Querysets whose SQL is written once and run again with other values.

For a row or two, building and compiling a query costs the processor several times what running it
does. What is asked here is still a queryset, read and tested as one; its values are marks that the
values of each call take the place of.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from threading import local
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable, get_related_populators

# Of a value: int, str, UUID or datetime; a number: a list of ids of at most that length; both: a
# list of such values.
Kind = type | int | tuple[type, int]
MARK = 2_104_518_000  # far from any id, and small enough for every column of integers

Run = tuple[str, list[Callable[..., Any]], Callable[[Iterable[Any]], list[Any]]]


class Prepared:
    """A queryset of rows or of `values_list`; built anew for each thread, as connections are."""

    def __init__(self, build: Callable[..., "QuerySet[Any, Any]"], **kinds: Kind) -> None:
        self._build, self._kinds, self._kept = build, kinds, local()

    def rows(self, **values: Any) -> list[Any]:
        """What the queryset gives for these values. A list may be shorter than told."""
        sql, places, made = self._run()
        given = {name: self._adapted(name, value) for name, value in values.items()}
        with connection.cursor() as cursor:
            cursor.execute(sql, [place(given) for place in places])
            return made(cursor.fetchall())

    def first(self, **values: Any) -> Any:
        """The first of them, or None."""
        return next(iter(self.rows(**values)), None)

    def _run(self) -> Run:
        """The statement, what takes the place of its marks, and what makes rows of its answer."""
        kept = self._kept.__dict__
        if connection.alias not in kept:
            marks = {name: _mark(kind, n) for n, (name, kind) in enumerate(self._kinds.items())}
            queryset = self._build(**marks)
            compiler = queryset.query.get_compiler(connection=connection)
            sql, params = compiler.as_sql()
            marked = dict(self._places(marks))
            places = [marked.get(param, lambda _, same=param: same) for param in params]
            kept[connection.alias] = sql, places, _maker(queryset, compiler)
        found: Run = kept[connection.alias]
        return found

    def _places(self, marks: dict[str, Any]) -> Iterator[tuple[Any, Callable[..., Any]]]:
        for name, mark in marks.items():
            if isinstance(mark, list):
                for number, one in enumerate(mark):
                    yield one, lambda given, name=name, number=number: given[name][number]
            else:
                yield _for_database(mark), lambda given, name=name: given[name]

    def _adapted(self, name: str, value: Any) -> Any:
        kind = self._kinds[name]
        if isinstance(kind, int):
            return _filled(value, kind, -1)
        return _filled(value, kind[1], "") if isinstance(kind, tuple) else _for_database(value)


class Inserted:
    """Rows of a model written without an instance of each: values of these fields, in this order.

    What is not named here takes the default of the database.
    """

    def __init__(self, model: type[Model], *names: str) -> None:
        self._meta: Any = model._meta  # a key may be anything there; these have columns
        self._names = names

    def ids(self, rows: Sequence[Sequence[Any]]) -> list[int]:
        """Write them with one statement; their ids, in their order."""
        return self._written(rows, "") if rows else []

    def new(self, *values: Any) -> int | None:
        """Write one; its id, or None where a constraint finds that it is there already."""
        return next(iter(self._written([values], " ON CONFLICT DO NOTHING")), None)

    def _written(self, rows: Sequence[Sequence[Any]], unless: str) -> list[int]:
        fields = [self._meta.get_field(name) for name in self._names]
        quote = connection.ops.quote_name
        columns = ", ".join(quote(field.column) for field in fields)
        row = f"({', '.join(['%s'] * len(fields))})"
        key = quote(self._meta.pk.column)
        sql = (
            f"INSERT INTO {quote(self._meta.db_table)} ({columns})"  # noqa: S608  (names of ours)
            f" VALUES {', '.join([row] * len(rows))}{unless} RETURNING {key}"
        )
        values = [
            field.get_db_prep_save(value, connection)
            for one in rows
            for field, value in zip(fields, one, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [pk for (pk,) in cursor.fetchall()]


class Changed:
    """One row given other values of these fields with one statement, and read back as it is then.

    raised: a field that goes up by one. returned: the fields that are read back; others wait.
    """

    def __init__(
        self, model: type[Model], *names: str, raised: str = "", returned: Sequence[str] = ("pk",)
    ) -> None:
        self._model, self._names, self._raised = model, names, raised
        self._returned, self._kept = returned, local()

    def row(self, pk: int, *values: Any) -> Any:
        """The row after the change; None where there is no such. It is locked until the commit."""
        sql, fields, made = self._run()
        given = [
            field.get_db_prep_save(value, connection)
            for field, value in zip(fields, values, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, [*given, pk])
            return next(iter(made(cursor.fetchall())), None)

    def _run(self) -> tuple[str, list[Any], Callable[[Iterable[Any]], list[Any]]]:
        kept = self._kept.__dict__
        if connection.alias not in kept:
            meta: Any = self._model._meta
            fields = [meta.get_field(name) for name in self._names]
            queryset = self._model._default_manager.only(*self._returned)
            compiler: Any = queryset.query.get_compiler(connection=connection)
            compiler.as_sql()  # which finds out what is selected
            quote = connection.ops.quote_name
            changes = [f"{quote(field.column)} = %s" for field in fields]
            if self._raised:
                column = quote(meta.get_field(self._raised).column)
                changes.append(f"{column} = {column} + 1")
            back = ", ".join(quote(column.target.column) for column, *_ in compiler.select)
            sql = (
                f"UPDATE {quote(meta.db_table)} SET {', '.join(changes)}"  # noqa: S608  (as above)
                f" WHERE {quote(meta.pk.column)} = %s RETURNING {back}"
            )
            kept[connection.alias] = sql, fields, _maker(queryset, compiler)
        found: tuple[str, list[Any], Callable[[Iterable[Any]], list[Any]]] = kept[connection.alias]
        return found


def _maker(queryset: "QuerySet[Any, Any]", compiler: Any) -> Callable[[Iterable[Any]], list[Any]]:
    """As the queryset itself makes its rows, with all that is the same each time done once."""
    converters = compiler.get_converters([one for one, *_ in compiler.select])

    def converted(rows: Iterable[Any]) -> Iterable[Any]:
        return compiler.apply_converters(rows, converters) if converters else rows

    if not issubclass(queryset._iterable_class, ModelIterable):
        return lambda rows: [tuple(row) for row in converted(rows)]
    columns = compiler.klass_info["select_fields"]
    own = slice(columns[0], columns[-1] + 1)
    names = [column.target.attname for column, *_ in compiler.select[own]]
    joined: Any = get_related_populators  # what is told of its types is of a later Django
    related = joined(compiler.klass_info, compiler.select, connection.alias)
    annotated = tuple((compiler.annotation_col_map or {}).items())

    def instance(row: Any) -> Any:
        made = queryset.model.from_db(connection.alias, names, row[own])
        for populator in related:
            populator.populate(row, made)
        for name, place in annotated:
            setattr(made, name, row[place])
        return made

    return lambda rows: [instance(row) for row in converted(rows)]


def _mark(kind: Kind, number: int) -> Any:
    if isinstance(kind, int | tuple):
        of, most = kind if isinstance(kind, tuple) else (int, kind)
        return [of(MARK + 10_000 * (number + 1) + place) for place in range(most)]
    if kind is UUID:
        return UUID(int=MARK + number)
    if kind is datetime:
        return datetime(1901 + number, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    return kind(MARK + number)


def _filled(given: Sequence[Any], length: int, nobody: Any) -> list[Any]:
    """As long as the statement was written for; a value twice is found once."""
    if len(given) > length:
        raise ValueError(f"{len(given)} values, prepared for {length}")
    return [*given, *[given[-1] if given else nobody] * (length - len(given))]


def _for_database(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
