"""Which actions a customer may get: every rule of every action, from the log's own data alone.

Nothing here reads a table: what it is given is what is kept, and what `replay` asks again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from campaigns.eligibility import end_of_quiet

# The channels by which somebody is written to unasked.
UNASKED = frozenset(("email", "sms", "wechat", "whatsapp"))
SLOTS = {"morning": (8, 12), "afternoon": (12, 18), "evening": (18, 22)}


class Standing(NamedTuple):
    """What the rules know of a customer at a moment. Customers who stand alike are asked once."""

    zone: str = "UTC"
    held_out: bool = False
    reachable: tuple[str, ...] = ()  # channels with an address
    granted: tuple[str, ...] = ()  # channels agreed to, for the topic of the placement
    suppressed: tuple[str, ...] = ()
    segments: tuple[int, ...] = ()
    contacts: int = 0  # within the days of the cap
    ages: tuple[tuple[str, int], ...] = ()  # whole days since an action was last chosen
    vetoed: tuple[str, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()  # actions that ran out, and of what
    here: tuple[str, ...] = ()  # the only channels that there are now and at once; none: all

    def said(self) -> dict[str, Any]:
        """As the log keeps it: what is as usual is left out."""
        usual = Standing()
        return {
            name: value
            for name, value, other in zip(self._fields, self, usual, strict=True)
            if value != other
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Standing":
        """What `said` gave, after it has been JSON."""
        return cls(**{name: _tuples(value) for name, value in kept.items()})


def broken(content: Mapping[str, Any], one: Standing, *, at: datetime) -> dict[str, list[str]]:
    """All broken rules of each action that breaks any, by its slug."""
    found = {}
    for action in content["actions"]:
        codes = list(_codes(content["placement"], action, one, at=at))
        if codes:
            found[action["slug"]] = codes
    return found


def due(slot: str, zone_name: str, *, at: datetime) -> datetime:
    """When an action of this time of day goes out: at once, or when that time comes next."""
    if slot not in SLOTS:
        return at
    start, end = SLOTS[slot]
    here = at.astimezone(zone(zone_name))
    if start <= here.hour < end:
        return at
    day = here.date() + timedelta(days=1 if here.hour >= end else 0)
    return datetime.combine(day, time(start), tzinfo=here.tzinfo).astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _codes(
    placement: Mapping[str, Any], action: Mapping[str, Any], one: Standing, *, at: datetime
) -> list[str]:
    gone = dict(one.gone)
    slug, limit = action["slug"], placement["value_limit"]
    rules = (
        ("inactive", not action["is_active"]),
        ("holdout", one.held_out),
        ("vetoed", slug in one.vetoed),
        ("window", _is_outside(action, at)),
        ("value_limit", limit is not None and action["value"] > limit),
        ("segment", action["segment"] is not None and action["segment"] not in one.segments),
        ("frequency_cap", placement["cap"] is not None and one.contacts >= placement["cap"]),
        ("repeat", _is_repeated(action, one)),
        ("elsewhere", bool(one.here) and action["channel"] not in one.here),
        ("other_time", bool(one.here) and due(action["slot"], one.zone, at=at) > at),
    )
    codes = [code for code, is_broken in rules if is_broken]
    if slug in gone:
        codes.append(gone[slug])
    if action["channel"] in UNASKED:
        codes += _of_channel(placement, action, one, at=at)
    return codes


def _of_channel(
    placement: Mapping[str, Any], action: Mapping[str, Any], one: Standing, *, at: datetime
) -> list[str]:
    channel = action["channel"]
    rules = (
        ("no_address", channel not in one.reachable),
        ("no_consent", channel not in one.granted),
        ("suppressed", channel in one.suppressed),
        ("quiet_hours", _is_quiet(placement, due(action["slot"], one.zone, at=at), one.zone)),
    )
    return [code for code, is_broken in rules if is_broken]


def _is_outside(action: Mapping[str, Any], at: datetime) -> bool:
    begins, ends = action["from"], action["until"]
    return bool(
        (begins is not None and at < datetime.fromisoformat(begins))
        or (ends is not None and at >= datetime.fromisoformat(ends))
    )


def _is_repeated(action: Mapping[str, Any], one: Standing) -> bool:
    days = action["repeat_days"]
    return days is not None and dict(one.ages).get(action["slug"], days) < days


def _is_quiet(placement: Mapping[str, Any], at: datetime, zone_name: str) -> bool:
    if placement["quiet"] is None:
        return False
    start, end = (time.fromisoformat(text) for text in placement["quiet"])
    return end_of_quiet(zone_name, quiet_from=start, quiet_until=end, now=at) is not None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
