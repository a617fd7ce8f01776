"""Write the scores of one name, and fill the segments that its labels make."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction

from crm import segments
from crm.models import Artifact, Score, Segment

BATCH = 2_000


def write(name: str, rows: Iterable[Score], *, now: datetime) -> int:
    """Insert or replace the scores; whoever got none this time has none any more."""
    written = 0
    iterator = iter(rows)
    with transaction.atomic():
        while batch := list(islice(iterator, BATCH)):
            Score.objects.bulk_create(
                batch,
                update_conflicts=True,
                unique_fields=["customer", "name"],
                update_fields=["value", "label", "detail", "version", "artifact", "at"],
            )
            written += len(batch)
        Score.objects.filter(name=name).exclude(at=now).delete()
        segments.touch_everybody(f"score:{name}")
    return written


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
