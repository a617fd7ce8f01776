"""Quiet hours by the customer's own clock, also on the days on which clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.eligibility import end_of_quiet

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = {"quiet_from": time(21), "quiet_until": time(8)}
SIESTA = {"quiet_from": time(13), "quiet_until": time(15)}


def berlin(*args):
    return datetime(*args, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (berlin(2026, 3, 1, 22), berlin(2026, 3, 2, 8)),
        (berlin(2026, 3, 1, 7, 59), berlin(2026, 3, 1, 8)),
        (berlin(2026, 3, 1, 21), berlin(2026, 3, 2, 8)),
        (berlin(2026, 3, 1, 8), None),
        (berlin(2026, 3, 1, 20, 59), None),
        (berlin(2026, 3, 28, 23), berlin(2026, 3, 29, 8)),  # an hour is lost that night
        (berlin(2026, 10, 24, 23), berlin(2026, 10, 25, 8)),  # and won in this one
    ],
)
def test_the_night_ends_at_eight_by_the_clock_on_the_wall(now, end):
    found = end_of_quiet("Europe/Berlin", now=now, **NIGHT)
    assert found == end or (end and found == max(end, now + timedelta(minutes=1)))


def test_quiet_hours_may_lie_within_a_day():
    assert end_of_quiet("UTC", now=datetime(2026, 3, 1, 14, tzinfo=UTC), **SIESTA) == datetime(
        2026, 3, 1, 15, tzinfo=UTC
    )
    assert end_of_quiet("UTC", now=datetime(2026, 3, 1, 12, tzinfo=UTC), **SIESTA) is None


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "UTC\x00"])
def test_an_unknown_zone_is_read_as_utc(zone):
    assert end_of_quiet(zone, now=datetime(2026, 3, 1, 12, tzinfo=UTC), **NIGHT) is None


@settings(max_examples=150, deadline=None)
@given(
    quarter=st.integers(0, 3 * 365 * 24 * 4),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]
    ),
    hours=st.sampled_from([NIGHT, SIESTA]),
)
def test_the_end_lies_ahead_within_a_day_and_is_not_quiet(quarter, zone, hours):
    now = datetime(2025, 1, 1, tzinfo=UTC) + quarter * timedelta(minutes=15)
    end = end_of_quiet(zone, now=now, **hours)
    if end is None:
        return
    assert now < end <= now + timedelta(hours=25)
    assert end_of_quiet(zone, now=end + timedelta(minutes=1), **hours) is None
