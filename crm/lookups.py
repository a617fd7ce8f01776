"""`column__among=values`: one of many values, given to the database as one."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Field, ForeignObject, Lookup


class Among(Lookup):
    """As `in`, for ids and texts by the thousand: an array on PostgreSQL, JSON elsewhere.

    A list of marks is written, sent, read and planned value by value, and limited in length.
    """

    lookup_name = "among"
    prepare_rhs = False

    def __init__(self, lhs: Any, rhs: Collection[int | str | UUID]) -> None:
        super().__init__(lhs, list(rhs))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        values = [one.hex if isinstance(one, UUID) else one for one in self.rhs]
        return f"{column} IN (SELECT value FROM json_each(%s))", [*params, json.dumps(values)]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        field = getattr(self.lhs.output_field, "target_field", self.lhs.output_field)
        kind = str(field.rel_db_type(connection)).partition("(")[0]  # of varchar, not varchar(48)
        values = [str(one) if isinstance(one, UUID) else one for one in self.rhs]
        return f"{column} = ANY(%s::{kind}[])", [*params, values]


for fields in (Field, ForeignObject):  # keys have lookups of their own only
    fields.register_lookup(Among)
