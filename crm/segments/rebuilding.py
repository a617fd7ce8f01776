"""All segments anew, and the proof that keeping them up gives the same."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from crm.models import Membership
from crm.segments import keeping, membership
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
    rules = [rule for level in keeping.levels(keeping.readable()) for rule in level]
    for number, rule in enumerate(rules, start=1):
        with membership.exclusive():
            if verify and (difference := compare(rule, now=now)):
                differences.append(difference)
            change = keeping.fill(rule, now=now)
        entered, left = entered + change.entered, left + change.left
        progress(f"{number}/{len(rules)} {rule.segment.slug}: {rule.segment.size:,}")
    return {
        "segments": len(rules),
        "members": sum(rule.segment.size for rule in rules),
        "entered": entered,
        "left": left,
        **({"differences": [asdict(d) for d in differences]} if verify else {}),
    }


def compare(rule: Rule, *, now: datetime) -> Difference | None:
    """How the kept members differ from those of the rule at this moment."""
    segment = rule.segment
    missing, extra = membership.differences(segment, rule.part, now=now)
    segment.refresh_from_db(fields=["size"])
    off = segment.size - Membership.objects.filter(segment=segment).count()
    if not (missing or extra or off):
        return None
    some = tuple([*missing[:NAMED], *extra[:NAMED]])
    return Difference(segment.slug, len(missing), len(extra), off, some)
