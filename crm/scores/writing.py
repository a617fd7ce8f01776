"""Write the scores of one name, and fill the segments that its labels make."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection, transaction

from crm import bulk, segments
from crm.models import Artifact, Segment
from crm.statements import keep_for_now, run, with_memory

if TYPE_CHECKING:
    import numpy as np

BATCH = 10_000  # rows that are objects here at one time
COLUMNS = ("customer_id", "value", "label", "detail")
# A score that came out the same is left as it is, and since when it is so.
WRITE = """
    INSERT INTO crm_score (customer_id, name, value, label, detail, version, artifact_id, at)
    SELECT made.customer_id, %s, made.value, made.label, made.detail, %s, %s, %s
    FROM scores_made AS made
    LEFT JOIN crm_score AS kept ON kept.customer_id = made.customer_id AND kept.name = %s
    WHERE kept.id IS NULL OR kept.value <> made.value OR kept.label <> made.label
        OR kept.detail <> made.detail OR kept.version <> %s
    ORDER BY made.customer_id
    ON CONFLICT (customer_id, name) DO UPDATE SET value = excluded.value, label = excluded.label,
        detail = excluded.detail, version = excluded.version, artifact_id = excluded.artifact_id,
        at = excluded.at
"""
FORGET = """
    DELETE FROM crm_score WHERE name = %s AND NOT EXISTS (
        SELECT 1 FROM scores_made AS made WHERE made.customer_id = crm_score.customer_id
    )
"""


class Scored(NamedTuple):
    """What one customer is given; each customer once."""

    customer_id: int
    value: float
    detail: Mapping[str, Any]
    label: str = ""


@dataclass(frozen=True)
class Maker:
    """By what the scores were made, and of which moment they are."""

    version: str
    at: datetime
    artifact: Artifact | None = None

    @classmethod
    def trained(cls, artifact: Artifact, *, at: datetime) -> "Maker":
        return cls(f"{artifact.name}#{artifact.pk}", at, artifact)


def write(name: str, rows: Iterable[Scored], *, by: Maker) -> int:
    """Bring the scores of a name up to these; whoever got none this time has none any more.

    Returns how many were given. They come and go in batches, so that memory does not grow with
    them; only those that are others than before are written, in one statement.
    """
    with transaction.atomic():
        count = _gather(rows)
        at, artifact = connection.ops.adapt_datetimefield_value(by.at), by.artifact
        told = [name, by.version, artifact.pk if artifact else None, at]
        run(FORGET, [name])
        run(WRITE, [*told, name, by.version])
        segments.touch_everybody(f"score:{name}")
    return count


def by_rows(*columns: "np.ndarray") -> Iterator[tuple[Any, ...]]:
    """Rows of plain numbers out of columns of one length, a batch at a time."""
    for start in range(0, len(columns[0]), BATCH):
        some = [column[start : start + BATCH].tolist() for column in columns]
        yield from zip(*some, strict=True)


def _gather(rows: Iterable[Scored]) -> int:
    """Lay the rows down in a table of this transaction; how many they are."""
    is_sqlite = connection.vendor == "sqlite"
    detail = "text" if is_sqlite else "jsonb"
    columns = f"value double precision, label text, detail {detail}"
    keep_for_now("scores_made", f"customer_id bigint PRIMARY KEY, {columns}")
    count = 0
    for batch in bulk.chunks(rows, BATCH):
        lines = [(row.customer_id, row.value, row.label, json.dumps(row.detail)) for row in batch]
        bulk.insert_into("scores_made", COLUMNS, lines)
        count += len(batch)
    if not is_sqlite:
        with_memory()
        run("SELECT set_config('jit', 'off', true)")
        run("ANALYZE scores_made")
    return count


@dataclass(frozen=True)
class Labelled:
    """The segment that a label makes: its slug, and name and description in both languages."""

    slug: str
    name_en: str
    name_zh: str
    description_en: str
    description_zh: str
    kind: str
    artifact: Artifact | None = None


def fill(
    score: str, labels: Mapping[str, Labelled], *, now: datetime, among: str = ""
) -> dict[str, int]:
    """Bring the members of each segment up to date with the label of the score; return sizes.

    among: a temporary table of whom alone to look at, as in `segments.follow_labels`.
    """
    slugs = [one.slug for one in labels.values()]
    there = {segment.slug: segment for segment in Segment.objects.filter(slug__in=slugs)}
    named = {}
    for label, one in labels.items():
        segment = named[label] = there.get(one.slug) or Segment()
        wanted = vars(one) | {"rule": {"score": score, "label": label}}
        if any(getattr(segment, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(segment, name, value)
            segment.save()
    return segments.follow_labels(score, named, now=now, among=among)
