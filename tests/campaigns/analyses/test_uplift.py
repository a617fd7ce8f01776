"""`analyse uplift`: a trial in, uplifts by row and whom to target out."""

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

HILLSTROM = Path(__file__).resolve().parents[4] / "shared/data/hillstrom/email.csv.gz"
FIELDS = {"ate", "interval", "p_value", "significant", "target"}


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(train, test, *args, treatment="sent", outcome="bought"):
        for name, text in (("train", train), ("test", test)):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        files = [f"--{name}={tmp_path / name}.csv" for name in ("train", "test")]
        output = tmp_path / "output.csv"
        columns = [f"--treatment={treatment}", f"--outcome={outcome}"]
        call_command("analyse", "uplift", *files, *columns, f"--output={output}", *args)
        report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return report, list(csv.DictReader(output.open(encoding="utf-8")))

    return run


def people(count=3_000, *, seed=0, gain=0.2, chosen=False):
    """Women gain from being written to, men do not. `chosen`: the old were written to more."""
    rng = np.random.default_rng(seed)
    age, sex = rng.normal(40, 10, count).round(1), rng.choice(["女", "男"], count)
    sent = rng.random(count) < (np.where(age > 40, 0.7, 0.3) if chosen else 0.5)
    chance = 0.1 + 0.1 * (age > 40) + gain * sent * (sex == "女")
    bought = rng.random(count) < chance
    rows = zip(age, sex, sent.astype(int), bought.astype(int), strict=True)
    return "age,sex,sent,bought\n" + "".join(f"{a},{s},{w},{y}\n" for a, s, w, y in rows)


def test_a_planted_uplift_is_found(analyse):
    report, rows = analyse(people(), people(200, seed=1))
    assert set(report) >= FIELDS
    assert (report["target"], report["significant"]) == ("some", True)
    low, high = report["interval"]
    assert low < 0.1 < high
    assert low < report["ate"] < high
    assert [int(row["row"]) for row in rows] == list(range(200))
    asked = list(csv.DictReader(people(200, seed=1).splitlines()))
    by_sex = {
        sex: np.mean(
            [float(r["uplift"]) for r, a in zip(rows, asked, strict=True) if a["sex"] == sex]
        )
        for sex in "女男"
    }
    assert by_sex["女"] == pytest.approx(0.2, abs=0.05)
    assert by_sex["男"] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("learner", ["t", "x", "dr"])
def test_every_learner_can_be_asked(analyse, learner):
    report, _ = analyse(people(), people(100, seed=1), f"--learner={learner}")
    assert report["target"] == "some"


def test_where_nobody_gains_nobody_is_to_be_written_to(analyse):
    report, _ = analyse(people(gain=0.0), people(100, seed=1))
    assert (report["target"], report["significant"]) == ("nobody", False)


def test_the_test_file_needs_features_alone_and_columns_in_any_order(analyse):
    report, rows = analyse(people(), "sex,age\n女,40\n男,40\n")
    assert float(rows[0]["uplift"]) > float(rows[1]["uplift"])
    assert report["qini"] is None


def test_who_was_chosen_by_age_is_compared_with_those_of_an_age(analyse):
    report, _ = analyse(people(gain=0.0, chosen=True), people(100, seed=1))
    assert (report["randomised"], report["target"]) == (False, "nobody")
    low, high = report["interval"]
    assert low < 0 < high


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("age,sent\n1,0\n", "age\n1\n", "column bought is missing"),
        ("age,sent,bought\n", "age\n1\n", "no rows"),
        ("age,sent,bought\n1,0,1\n2,2,0\n", "age\n1\n", "column sent, line 3: 2 is neither 0 nor"),
        ("age,sent,bought\n1,0,1\n2,,0\n", "age\n1\n", "column sent, line 3: '' is not a number"),
        ("age,sent,bought\n1,0,nan\n", "age\n1\n", "column bought, line 2: 'nan' is not a number"),
        ("age,sent,bought\n1,1,1\n2,1,0\n", "age\n1\n", "column sent is 1 in every row"),
        ("age,sent,bought\n1,0,1\n2,1,1\n", "age\n1\n", "column bought is 1 in every row"),
        ("age,sent,bought\n1,0,1\n1,1,0\n", "age\n1\n", "no feature is left (age: the same"),
        ("sent,bought\n0,1\n1,0\n", "age\n1\n", "no feature is left (there is none)"),
        ("age,sent,bought\n1,0,1\n2,1,0\n", "age\n1\n", "column sent: 1 rows were treated"),
        (people(500), "age,sent,bought\n1,0,1\n", "column sex is missing"),
        (people(500), "age,sex\n", "no rows"),
        (people(500), "age,sex,sent,bought\n1,女,3,1\n2,男,0,1\n", "line 2: 3 is neither"),
    ],
)
def test_what_cannot_be_used_says_why(analyse, train, test, said):
    with pytest.raises(CommandError) as refusal:
        analyse(train, test)
    assert said in str(refusal.value)


def test_the_outcome_cannot_be_the_treatment(analyse):
    with pytest.raises(CommandError, match="is the treatment"):
        analyse(people(300), people(300), outcome="sent")


@pytest.mark.skipif(not HILLSTROM.exists(), reason="../shared/data/hillstrom is absent")
@pytest.mark.parametrize(
    ("mail", "least", "target"), [("Womens", 0.05, "some"), ("Mens", -1, "all")]
)
def test_hillstrom(analyse, mail, least, target):
    """The women's mail moves some; the men's moves all alike, so there is nobody to leave out."""
    with gzip.open(HILLSTROM, "rt") as file:
        rows = [r for r in csv.DictReader(file) if r["segment"][:3] in (mail[:3], "No ")]
    for row in rows:
        row["sent"] = int(row.pop("segment")[:3] == mail[:3])
    drawn = np.random.default_rng(0).random(len(rows)) < 0.5
    text = {}
    for name, half in (("train", False), ("test", True)):
        written = io.StringIO()
        writer = csv.DictWriter(written, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(r for r, d in zip(rows, drawn, strict=True) if d == half)
        text[name] = written.getvalue()
    without = ["--without=conversion", "--without=spend"]
    report, _ = analyse(text["train"], text["test"], *without, outcome="visit")
    assert report["target"] == target
    assert report["qini"] >= least
    assert report["randomised"]
    assert report["interval"][0] > 0.02
