"""One step: pure, the same for the same facts, right on the days on which clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.journeys.graph import Node, parse
from campaigns.journeys.walking import Facts, Move, Position, due_at, next_clock, walk
from tests.campaigns.journeys.world import entry, graph, leave, mail, wait

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
FACTS = Facts("UTC", {}, lambda _node: 0.5)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
moments = st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))


def until(at, weekday=None):
    return Node("w", "wait", "until", next="x", data={"at": at, "weekday": weekday})


def test_a_walk_ends_at_a_wait_and_goes_on_when_it_is_over():
    read = parse(graph(entry(), wait(), mail(), leave()))
    first = walk(read, Position("entry"), FACTS, NOW)
    assert [move.what for move in first.moves] == ["passed", "waits"]
    assert (first.node, first.rests, first.due_at) == ("pause", True, NOW + timedelta(hours=1))
    second = walk(read, Position("pause", rests=True), FACTS, first.due_at)
    assert [move.what for move in second.moves] == ["waited", "message", "exit"]
    assert second.end == "exit"


@pytest.mark.parametrize(("drawn", "end"), [(0.0, "goal"), (0.2999, "goal"), (0.3, "exit")])
def test_a_random_split_goes_by_what_is_drawn(drawn, end):
    split = {
        "id": "s",
        "kind": "split",
        "mode": "random",
        "percent": 30,
        "next": "won",
        "otherwise": "end",
    }
    read = parse(graph(entry(to="s"), split, leave("won", "goal"), leave()))
    facts = Facts("UTC", {}, lambda _node: drawn)
    assert walk(read, Position("entry"), facts, NOW).end == end


def shared(*weights):
    ways = [{"weight": weight, "next": f"end{i}"} for i, weight in enumerate(weights)]
    split = {"id": "s", "kind": "split", "mode": "shares", "shares": ways}
    ends = [leave(f"end{i}") for i in range(len(weights))]
    return parse(graph(entry(to="s"), split, *ends))


@pytest.mark.parametrize(
    ("drawn", "way"),
    [(0.0, 0), (0.4999, 0), (0.5, 1), (0.7499, 1), (0.75, 2), (0.999999, 2)],
)
def test_several_ways_are_as_wide_as_their_weights(drawn, way):
    made = walk(shared(2, 1, 1), Position("entry"), Facts("UTC", {}, lambda _: drawn), NOW)
    assert made.node == f"end{way}"
    assert made.moves[1].detail == {"drawn": drawn, "way": way + 1, "of": 3}


@given(
    st.lists(st.integers(1, 1000), min_size=2, max_size=10),
    st.floats(0, 1, exclude_max=True),
)
def test_whatever_is_drawn_there_is_a_way_and_its_part_holds_it(weights, drawn):
    made = walk(shared(*weights), Position("entry"), Facts("UTC", {}, lambda _: drawn), NOW)
    way, total = int(made.node.removeprefix("end")), sum(weights)
    assert sum(weights[:way]) <= drawn * total < sum(weights[: way + 1])


def test_why_is_told_at_every_node():
    split = {
        "id": "s",
        "kind": "split",
        "mode": "rule",
        "rule": {"x": 1},
        "next": "won",
        "otherwise": "end",
    }
    read = parse(graph(entry(to="s"), split, leave("won", "goal"), leave()))
    made = walk(read, Position("entry"), Facts("UTC", {"s": False}, lambda _node: 0), NOW)
    assert made.moves[1] == Move("s", "split", {"holds": False})


@given(moments, st.sampled_from(ZONES), st.times(), st.none() | st.integers(0, 6))
def test_until_local_time_is_the_next_time_the_clocks_there_show_it(now, zone, clock, weekday):
    at = f"{clock:%H:%M}"
    due = next_clock(until(at, weekday), zone=zone, now=now)
    here = ZoneInfo(zone)
    shown = due.astimezone(here)
    assert now < due <= now + timedelta(days=8 if weekday is not None else 2)
    wanted = datetime.combine(shown.date(), until(at).clock, tzinfo=here)
    exists = wanted.astimezone(UTC).astimezone(here).replace(tzinfo=None) == wanted.replace(
        tzinfo=None
    )
    if exists:
        assert shown.strftime("%H:%M") == at
        assert weekday is None or shown.weekday() == weekday
    else:
        assert shown.strftime("%H:%M") > at, "the clocks leapt over it"


@given(moments, st.sampled_from(ZONES), st.times())
def test_nobody_waits_longer_than_to_the_same_time_tomorrow(now, zone, clock):
    due = next_clock(until(f"{clock:%H:%M}"), zone=zone, now=now)
    between = now + timedelta(minutes=1)
    while between < due:
        shown = between.astimezone(ZoneInfo(zone))
        is_it = (shown.hour, shown.minute, shown.fold) == (clock.hour, clock.minute, 0)
        assert not is_it or between.replace(second=0, microsecond=0) <= now
        between += timedelta(minutes=97)


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        # Berlin leaps from 2 to 3 on 29 March 2026 and back from 3 to 2 on 25 October.
        ("2026-03-28T23:00", "02:30", "2026-03-29T01:30"),
        ("2026-03-28T23:00", "09:00", "2026-03-29T07:00"),
        ("2026-03-28T07:00", "09:00", "2026-03-28T08:00"),
        ("2026-10-24T22:30", "02:30", "2026-10-25T00:30"),
        ("2026-10-25T00:45", "02:30", "2026-10-26T01:30"),
        ("2026-10-25T00:00", "09:00", "2026-10-25T08:00"),
    ],
)
def test_the_days_on_which_clocks_are_changed(now, at, due):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = next_clock(until(at), zone="Europe/Berlin", now=moment)
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


@given(moments, st.sampled_from(ZONES), st.integers(1, 100_000))
def test_a_duration_is_as_long_on_every_day(now, zone, minutes):
    node = Node("w", "wait", "duration", next="x", data={"minutes": minutes})
    assert due_at(node, zone=zone, now=now) - now == timedelta(minutes=minutes)


def test_a_zone_that_nobody_knows_is_utc():
    assert next_clock(until("13:00"), zone="Mars/Olympus", now=NOW) == NOW + timedelta(hours=1)
