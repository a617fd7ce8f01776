"""`analyse send-time`: sends in, an hour for everybody out, and whether it matters."""

import csv
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(sends, *args, users=None):
        (tmp_path / "sends.csv").write_text(sends, encoding="utf-8")
        files = [f"--sends={tmp_path / 'sends.csv'}", f"--output={tmp_path / 'output.csv'}"]
        if users is not None:
            (tmp_path / "users.csv").write_text(users, encoding="utf-8")
            files.append(f"--users={tmp_path / 'users.csv'}")
        call_command("analyse", "send-time", *files, *args)
        report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        rows = csv.DictReader((tmp_path / "output.csv").open(encoding="utf-8"))
        return report, {row["user_id"]: int(row["hour"]) for row in rows}

    return run


def sends(gain=0.0, *, users=200, each=30, seed=0, good=20, hours=24):
    """An hour that is good for all, and those about it."""
    rng = np.random.default_rng(seed)
    lines = []
    for user in range(users):
        for hour in rng.integers(0, hours, each):
            opened = rng.random() < 0.2 + gain * (abs(hour - good) <= 1)
            lines.append(f"u{user},{hour},{int(opened)}")
    return "user_id,hour,opened\n" + "\n".join(lines) + "\n"


def test_a_good_hour_is_found(analyse):
    report, hours = analyse(sends(0.3))
    assert (report["significant"], report["p_value"] <= 0.02) == (True, True)
    assert abs(report["best_hour"] - 20) <= 1
    assert len(hours) == report["users"] == 200
    assert np.mean([abs(hour - 20) <= 1 for hour in hours.values()]) > 0.95


def test_where_the_hour_does_not_matter_it_says_so(analyse):
    report, _ = analyse(sends(seed=1))
    assert not report["significant"]


def test_nobody_is_written_to_at_an_hour_they_did_not_allow(analyse):
    users = "user_id,consent_hours\nu0,9-18\nu1,22-6;12\nu2,\nu3,7;8\nu4,10-10\nnew,8-12\n"
    report, hours = analyse(sends(0.3), users=users)
    assert hours["u0"] in range(9, 18)
    assert hours["u1"] in (22, 23, 0, 1, 2, 3, 4, 5, 12)
    assert abs(hours["u2"] - 20) <= 1
    assert hours["u3"] in (7, 8)
    assert hours["u4"] == 10
    assert hours["new"] in range(8, 12)
    assert (report["users"], report["users_without_sends"]) == (201, 1)


def test_hours_of_the_week_are_allowed_by_day(analyse):
    text = sends(0.3, good=100, hours=168, each=60)
    users = "user_id,consent_hours\nu0,9-18\n"
    _, hours = analyse(text, "--hours=168", users=users)
    assert hours["u0"] % 24 in range(9, 18)
    assert np.mean([abs(hour - 100) <= 3 for hour in hours.values()]) > 0.5


def test_segments_share_what_they_know(analyse):
    early, late = sends(0.4, each=6, good=8), sends(0.4, each=6, good=20, seed=1)
    text = early + late.split("\n", 1)[1].replace("u", "v")
    users = "segment,user_id,consent_hours\n" + "".join(
        f"{'早' if kind == 'u' else '晚'},{kind}{n},\n" for n in range(200) for kind in "uv"
    )
    _, hours = analyse(text, users=users)
    right = [abs(hour - (8 if user[0] == "u" else 20)) <= 1 for user, hour in hours.items()]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize(
    ("text", "users", "said"),
    [
        ("user_id,hour\na,1\n", None, "column opened is missing"),
        ("user_id,hour,opened\n", None, "it has no rows"),
        ("user_id,hour,opened\na,24,1\n", None, "column hour, line 2: an hour is one of 0 to 23"),
        ("user_id,hour,opened\na,-1,1\n", None, "column hour, line 2: an hour is one of 0 to 23"),
        ("user_id,hour,opened\na,1.5,1\n", None, "column hour, line 2: an hour is one of 0 to 23"),
        ("user_id,hour,opened\na,nan,1\n", None, "column hour, line 2: 'nan' is not a number"),
        ("user_id,hour,opened\na,1,2\n", None, "column opened, line 2: it is neither 0 nor 1"),
        ("user_id,hour,opened\na,1,1\nb,2,1\n", None, "column opened is 1 in every row"),
        ("user_id,hour,opened\n ,1,1\n", None, "column user_id, line 2: it is blank"),
        (sends(), "user_id\nu1\n", "column consent_hours is missing"),
        (sends(), "user_id,consent_hours\nu1,9-25\n", "column consent_hours, line 2: not hours"),
        (sends(), "user_id,consent_hours\nu1,\nu2,noon\n", "column consent_hours, line 3: not"),
        (sends(), "user_id,consent_hours\nu1,\nu1,9\n", "line 3: this user stood in an earlier"),
        (sends(), "user_id,consent_hours\n", "users.csv: it has no rows"),
    ],
)
def test_what_cannot_be_used_says_why(analyse, text, users, said):
    with pytest.raises(CommandError) as refusal:
        analyse(text, users=users)
    assert said in str(refusal.value)
