"""`analyse attribution`: touches and journeys in, credit by model and channel out."""

import csv
import json

import pytest
from django.core.management import CommandError, call_command

TOUCHES = """journey_id,at,channel
1,2026-03-01T09:00:00Z,email
1,2026-03-08T09:00:00Z,search
1,2026-03-09T09:00:00Z,social
2,2026-03-01,email
3,2026-03-02 10:00:00,search
9,2026-03-02,social
"""
JOURNEYS = """journey_id,converted_at,revenue
1,2026-03-08T17:00:00+08:00,90
2,,
3,2026-03-01T00:00:00Z,10.5
4,2026-03-05,4.5
"""


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(touches, journeys):
        for name, text in (("touches", touches), ("journeys", journeys)):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        files = [f"--{name}={tmp_path / name}.csv" for name in ("touches", "journeys", "output")]
        call_command("analyse", "attribution", *files)
        report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        rows = list(csv.DictReader((tmp_path / "output.csv").open(encoding="utf-8")))
        credit = {(row["model"], row["channel"]): row for row in rows}
        return report, {
            at: (float(r["conversions"]), float(r["revenue"])) for at, r in credit.items()
        }

    return run


def test_touches_after_the_conversion_do_not_count(analyse):
    """Journey 1 converted at 9:00 UTC on the 8th, the moment of its second touch."""
    report, credit = analyse(TOUCHES, JOURNEYS)
    assert credit["first", "email"] == (1, 90)
    assert credit["last", "search"] == (1, 90)
    assert credit["linear", "social"] == (0, 0)
    assert credit["time_decay", "search"] == pytest.approx((2 / 3, 60))
    assert report["touches_after_conversion"] == 2


def test_conversions_without_a_touch_are_reported_and_not_lost(analyse):
    """Journey 4 was never touched, journey 3 only afterwards."""
    report, credit = analyse(TOUCHES, JOURNEYS)
    assert (report["conversions"], report["revenue"]) == (3, 105)
    assert (report["converted_without_touch"], report["revenue_without_touch"]) == (2, 15)
    for model in ("first", "last", "linear", "time_decay", "position", "markov"):
        assert credit[model, "(none)"] == (2, 15)
        totals = [sum(c[n] for at, c in credit.items() if at[0] == model) for n in (0, 1)]
        assert totals == pytest.approx([3, 105])


def test_a_journey_only_touched_has_not_converted(analyse):
    report, _ = analyse(TOUCHES, JOURNEYS)
    assert (report["journeys"], report["touched_but_not_in_journeys"]) == (5, 1)


def test_where_every_sale_was_touched_there_is_no_row_for_none(analyse):
    report, credit = analyse(TOUCHES, "journey_id,revenue,converted_at\n1,5,2027-01-01\n")
    assert report["converted_without_touch"] == 0
    assert ("last", "(none)") not in credit
    assert credit["markov", "social"][0] > 0


def test_touches_of_one_moment_stand_as_in_the_file(analyse):
    touches = "journey_id,at,channel\n1,2026-03-01,b\n1,2026-03-01,a\n"
    _, credit = analyse(touches, "journey_id,converted_at,revenue\n1,2026-03-02,1\n")
    assert credit["last", "a"] == (1, 1)


@pytest.mark.parametrize(
    ("touches", "journeys", "said"),
    [
        ("journey_id,at\n1,2026-03-01\n", JOURNEYS, "column channel is missing"),
        ("journey_id,at,channel\n", JOURNEYS, "touches.csv: it has no rows"),
        ("journey_id,at,channel\n1,soon,a\n", JOURNEYS, "column at, line 2: not a time"),
        ("journey_id,at,channel\n1,,a\n", JOURNEYS, "column at, line 2: not a time"),
        ("journey_id,at,channel\n1,2026-03-01, \n", JOURNEYS, "column channel, line 2: it is bl"),
        ("journey_id,at,channel\n1,2026-03-01,(none)\n", JOURNEYS, "is kept for no touch"),
        (TOUCHES, "journey_id,converted_at,revenue\n", "journeys.csv: it has no rows"),
        (TOUCHES, "journey_id,converted_at\n1,\n", "column revenue is missing"),
        (TOUCHES, JOURNEYS + "2,,\n", "column journey_id, line 6: this journey stood in"),
        (TOUCHES, JOURNEYS + ",,\n", "column journey_id, line 6: it is blank"),
        (TOUCHES, JOURNEYS + "5,never,1\n", "column converted_at, line 6: not a time"),
        (TOUCHES, JOURNEYS + "5,2026-01-01,nan\n", "column revenue, line 6: not a number"),
        (TOUCHES, JOURNEYS + "5,2026-01-01,inf\n", "column revenue, line 6: not a number"),
        (TOUCHES, JOURNEYS + "5,,3\n", "line 6: revenue of a journey not converted"),
    ],
)
def test_what_cannot_be_used_says_why(analyse, touches, journeys, said):
    with pytest.raises(CommandError) as refusal:
        analyse(touches, journeys)
    assert said in str(refusal.value)


def test_too_many_channels_are_refused(analyse):
    touches = "journey_id,at,channel\n" + "".join(f"1,2026-03-01,c{n}\n" for n in range(1_001))
    with pytest.raises(CommandError, match="1001 values"):
        analyse(touches, JOURNEYS)
