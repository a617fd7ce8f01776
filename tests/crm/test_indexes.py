"""Each index earns its keep: none is the beginning of another on the same table."""

import pytest
from django.apps import apps
from django.db import connection

pytestmark = pytest.mark.django_db


def indexes(table):
    """Columns and name of each index over all rows of a table."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
        partial = set()
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
            )
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'"
            )
        partial = {name.strip('"') for (name,) in cursor.fetchall()}
    return {
        name: tuple(constraint["columns"])
        for name, constraint in found.items()
        if (constraint["index"] or constraint["unique"]) and name not in partial
    }


@pytest.mark.parametrize("model", apps.get_app_config("crm").get_models(), ids=lambda m: m.__name__)
def test_no_index_is_the_beginning_of_another(model):
    found = indexes(model._meta.db_table)
    superfluous = {
        name
        for name, columns in found.items()
        for other, more in found.items()
        if len(columns) < len(more) and more[: len(columns)] == columns
    }
    keys = {n for n in superfluous if found[n] == (model._meta.pk.column,)}
    assert superfluous == keys  # a key is more than an index
