"""Group what the ORM cannot: rows by a value that a window or another grouping made."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def grouped(rows: QuerySet[Any], outer: str) -> list[tuple[Any, ...]]:
    """Run `outer`, written by us, over the table `inner` that the queryset describes."""
    inner, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"WITH inner_rows AS ({inner}) {outer}", parameters)
        return list(cursor.fetchall())
