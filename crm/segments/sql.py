"""What the query of a rule needs and Django has no word for, alike on SQLite and PostgreSQL."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, FloatField, Func, TextField
from django.db.models.expressions import Combinable

PRIME = 2_147_483_579  # the greatest below 2**31 where cubing hits every number once
NUMBER = r"^-?[0-9]{{1,15}}(\.[0-9]{{1,15}})?\Z"  # a text that is plainly a number


class Among(Func):
    """The column is one of these ids: a single parameter, however many they are."""

    output_field = BooleanField()

    def __init__(self, column: str, ids: Sequence[int]) -> None:
        super().__init__(F(column))
        self.ids = list(ids)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"{sql} IN (SELECT value FROM json_each(%s))", [*params, json.dumps(self.ids)]

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"{sql} = ANY(%s::bigint[])", [*params, self.ids]


class Noted(Func):
    """The column is the customer of a row in a table of ours where that flag is set."""

    output_field = BooleanField()

    def __init__(self, column: str, table: str, flag: str) -> None:
        super().__init__(F(column))
        self.table, self.flag = table, flag

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        sql, params = compiler.compile(self.source_expressions[0])
        return f"{sql} IN (SELECT customer_id FROM {self.table} WHERE {self.flag})", params


class _InDocument(Func):
    """Something at a path of a JSON column; null when the path leads nowhere."""

    sqlite = postgresql = ""

    def __init__(self, column: str, path: Sequence[str], **extra: Any) -> None:
        super().__init__(F(column), **extra)
        self.path = tuple(path)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        # Django stores names escaped, and this SQLite compares them as they are written.
        path = "$" + "".join(f".{json.dumps(name)}" for name in self.path)
        uses = self.sqlite.count("{type}") + self.sqlite.count("{value}")
        text = self.sqlite.format(type=f"json_type({sql}, %s)", value=f"json_extract({sql}, %s)")
        return text, [*params, path] * uses

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        document = sql + " -> %s" * (len(self.path) - 1)
        uses = self.postgresql.count("{node}") + self.postgresql.count("{value}")
        text = self.postgresql.format(node=f"({document} -> %s)", value=f"({document} ->> %s)")
        return text, [*params, *self.path] * uses


class JsonText(_InDocument):
    output_field = TextField()
    sqlite = "(CASE WHEN {type} = 'text' THEN {value} END)"
    postgresql = "(CASE WHEN jsonb_typeof({node}) = 'string' THEN {value} END)"


class JsonNumber(_InDocument):
    """A number, or a text that is one: files know only texts."""

    output_field = FloatField()
    sqlite = (
        "(CASE WHEN {type} IN ('integer', 'real') THEN CAST({value} AS REAL)"
        " WHEN {type} = 'text' AND {value} REGEXP '" + NUMBER + "'"
        " THEN CAST({value} AS REAL) END)"
    )
    postgresql = (
        "(CASE WHEN jsonb_typeof({node}) = 'number' OR (jsonb_typeof({node}) = 'string'"
        " AND {value} ~ '" + NUMBER + "')"
        " THEN {value}::double precision END)"
    )


class JsonTruth(_InDocument):
    """ "true" or "false" for a truth value."""

    output_field = TextField()
    sqlite = "(CASE WHEN {type} IN ('true', 'false') THEN {type} END)"
    postgresql = "(CASE WHEN jsonb_typeof({node}) = 'boolean' THEN {value} END)"


class JsonThere(_InDocument):
    """There is something at the path, and it is not null."""

    output_field = BooleanField()
    sqlite = "(COALESCE({type}, 'null') <> 'null')"
    postgresql = "(COALESCE(jsonb_typeof({node}), 'null') <> 'null')"


class Bytewise(Func):
    """Text that is ordered by its bytes, whatever the order of the database is."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return compiler.compile(self.source_expressions[0])

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f'({sql}) COLLATE "C"', params


class Rounded(Func):
    """To six places: a sum of floats depends on the order they came in."""

    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"ROUND({sql}, 6)", params

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"ROUND(({sql})::numeric, 6)::double precision", params


class Drawn(Func):
    """The customer is in a share of all: always the same ones for one salt.

    Their number is scrambled by cubes modulo a prime, which both databases compute alike and
    which hits every number once, so that the shares are even.
    """

    output_field = BooleanField()

    def __init__(self, column: str | Combinable, *, percent: float, salt: str) -> None:
        super().__init__(F(column) if isinstance(column, str) else column)
        self.percent, self.salt = percent, salt

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        sql, params = compiler.compile(self.source_expressions[0])
        assert not params, "a column has no parameters"
        factor, first, second = coefficients(self.salt)
        once = _cubed(f"(({sql} %% {PRIME}) * {factor} + {first}) %% {PRIME}")
        twice = _cubed(f"({once} + {second}) %% {PRIME}")
        return f"({twice} < {limit(self.percent)})", []


def _cubed(sql: str) -> str:
    return f"(((({sql}) * ({sql})) %% {PRIME}) * ({sql}) %% {PRIME})"


def coefficients(salt: str) -> tuple[int, int, int]:
    digest = hashlib.sha256(f"share {salt}".encode()).digest()
    numbers = (int.from_bytes(digest[i : i + 8], "big") for i in (0, 8, 16))
    factor, first, second = (1 + number % (PRIME - 1) for number in numbers)
    return factor, first, second


def limit(percent: float) -> int:
    return round(PRIME * percent / 100)
