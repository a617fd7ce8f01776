"""Write the scores of one name, and fill the segments that its labels make."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice

from django.db import transaction

from crm import segments
from crm.models import Score, Segment

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


def fill(score: str, named: Mapping[str, Segment], *, now: datetime) -> dict[str, int]:
    """Bring the members of each segment up to date with the label of the score."""
    sizes = {}
    for label, segment in named.items():
        segment.save()
        sizes[label] = segments.fill_by(segment, {"score": score, "label": label}, now=now)
    return sizes


def named_segment(*, slug: str, kind: str, names: tuple[str, str, str, str]) -> Segment:
    segment, _ = Segment.objects.get_or_create(
        slug=slug, defaults={"kind": kind, "name_en": names[0], "name_zh": names[1]}
    )
    segment.name_en, segment.name_zh, segment.description_en, segment.description_zh = names
    return segment
