"""Many rows of numbers out of the database as arrays: none of them is ever an object here."""

from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import QuerySet

if TYPE_CHECKING:
    import numpy as np

ROWS = 1_000_000  # at a time
HEADER = 19  # bytes before the first row of PostgreSQL's binary format


def tables(rows: "QuerySet[Any, Any]", types: Sequence[str]) -> "Iterator[np.ndarray]":
    """The rows as arrays with the fields f0, f1 …, at most a million of them at a time.

    types: "i4", "i8" or "f8", as wide as what PostgreSQL gives; none may be null. From there they
    come as they lie, by way of a file.
    """
    import numpy as np

    kept = np.dtype([(f"f{place}", kind) for place, kind in enumerate(types)])
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(sql, params)
            while some := cursor.fetchmany(ROWS):
                yield np.array(some, dtype=kept)
            return
        whole = cursor.mogrify(sql, params).decode()
        with TemporaryFile() as file:
            cursor.copy_expert(f"COPY ({whole}) TO STDOUT (FORMAT binary)", file)
            file.seek(HEADER)
            while len(found := np.fromfile(file, _laid_down(types), ROWS)):
                yield found[[f"f{place}" for place in range(len(types))]].astype(kept)


def _laid_down(types: Sequence[str]) -> "np.dtype[Any]":
    """A row of the binary format: how many fields; of each how many bytes, and these."""
    import numpy as np

    fields = [("count", ">i2")]
    for place, kind in enumerate(types):
        fields += [(f"bytes{place}", ">i4"), (f"f{place}", f">{kind}")]
    return np.dtype(fields)
