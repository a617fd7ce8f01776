"""All segments anew, and the proof that keeping them up gives the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from crm.models import Membership
from crm.segments import keeping, membership, tallies
from crm.segments.membership import Rule

NAMED = 5  # customers of each difference


@dataclass(frozen=True)
class Difference:
    """A segment whose kept members are not those of its rule."""

    segment: str
    missing: int
    extra: int
    size_off_by: int
    customers: tuple[int, ...]


def rebuild(
    *, now: datetime, verify: bool = False, progress: Callable[[str], Any] = lambda _: None
) -> dict[str, Any]:
    """Fill every rule segment from nothing but its rule; with `verify`, name what differed.

    What is waiting and what time did is brought in first: both sides are of the same moment.
    """
    differences: list[Difference] = []
    entered = left = 0
    keeping.keep_up(now=now)
    rules = keeping.readable()
    done = 0
    for some in keeping.batches(rules):
        with membership.exclusive():
            if verify:
                differences += compare(some, now=now)
            for change in keeping.fill_together(some, now=now).values():
                entered, left = entered + change.entered, left + change.left
        for rule in some:
            done += 1
            progress(f"{done}/{len(rules)} {rule.segment.slug}: {rule.segment.size:,}")
    return {
        "segments": len(rules),
        "members": sum(rule.segment.size for rule in rules.values()),
        "entered": entered,
        "left": left,
        **({"differences": [asdict(d) for d in differences]} if verify else {}),
    }


def compare(rules: Sequence[Rule], *, now: datetime) -> list[Difference]:
    """How the kept members differ from those of the rules at this moment."""
    with membership.exclusive():
        known = tallies.tally([rule.part for rule in rules], now=now)
        found = (_compare(rule, now=now, known=known) for rule in rules)
        return [difference for difference in found if difference]


def _compare(rule: Rule, *, now: datetime, known: Mapping[str, Q]) -> Difference | None:
    segment = rule.segment
    missing, extra = membership.differences(segment, rule.part, now=now, known=known)
    segment.refresh_from_db(fields=["size"])
    off = segment.size - Membership.objects.filter(segment=segment).count()
    if not (missing or extra or off):
        return None
    some = tuple([*missing[:NAMED], *extra[:NAMED]])
    return Difference(segment.slug, len(missing), len(extra), off, some)
