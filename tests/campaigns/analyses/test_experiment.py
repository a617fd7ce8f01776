"""`analyse experiment`: somebody's own test in, a verdict for each variant out."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

HILLSTROM = Path(__file__).resolve().parents[4] / "shared/data/hillstrom/email.csv.gz"
TWO = "variant,unit,outcome\na,1,1\nb,2,0\n"
FIELDS = {
    "units",
    "mean",
    "lift",
    "interval",
    "p_value",
    "always_valid_interval",
    "always_valid_p",
    "srm_p",
    "cuped_variance_reduction",
    "verdict",
}


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(text, *args):
        path = tmp_path / "test.csv"
        path.write_text(text, encoding="utf-8")
        call_command("analyse", "experiment", f"--input={path}", *args)
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    return run


def rows(rates, *, size=4_000, seed=0):
    rng = np.random.default_rng(seed)
    lines = [
        f"{name},{name}{number},{int(rng.random() < rate)}"
        for name, rate in rates.items()
        for number in range(size)
    ]
    rng.shuffle(lines)
    return "variant,unit,outcome\n" + "\n".join(lines) + "\n"


def test_a_true_gain_is_named(analyse):
    found = analyse(rows({"control": 0.05, "new": 0.09}))
    assert set(found) == {"control", "new"}
    assert set(found["new"]) >= FIELDS
    assert found["new"]["verdict"] == "better"
    assert found["new"]["units"] == 4_000
    low, high = found["new"]["interval"]
    assert low < 0.04 < high
    assert found["new"]["always_valid_p"] < 0.05


def test_the_control_is_compared_with_nobody(analyse):
    control = analyse(rows({"new": 0.06, "Control": 0.05}))["Control"]
    assert control["verdict"] == "control"
    assert control["lift"] is None


def test_the_control_is_the_one_that_is_named(analyse):
    found = analyse(rows({"a": 0.05, "b": 0.09}), "--control=b")
    assert found["a"]["verdict"] == "worse"


def test_planned_sizes_are_no_alarm(analyse):
    text = rows({"a": 0.05}) + rows({"b": 0.05}, size=1_000).partition("\n")[2]
    assert analyse(text)["b"]["verdict"] == "broken split"
    assert analyse(text, "--shares", "a=.8", "b=.2")["b"]["verdict"] == "no difference yet"


def test_money_and_what_was_spent_before(analyse):
    rng = np.random.default_rng(1)
    lines = ["variant,unit,pre,outcome"]
    for number in range(2_000):
        before = rng.gamma(2.0, 20.0)
        after = before + rng.normal(0, 5) + 3 * (number % 2)
        lines.append(f"{'ab'[number % 2]},{number},{before:.2f},{after:.2f}")
    found = analyse("\n".join(lines) + "\n", "--metric=revenue")["b"]
    assert found["cuped_variance_reduction"] > 0.9
    assert found["verdict"] == "better"
    assert found["interval"][0] < 3.0 < found["interval"][1]


def test_several_rows_of_a_unit_are_one_unit(analyse):
    found = analyse("variant,unit,outcome\n" + "a,1,1\na,1,1\na,2,0\nb,3,0\nb,4,1\n")
    assert (found["a"]["units"], found["a"]["mean"]) == (2, 0.5)


def test_several_purchases_of_a_unit_are_added_up(analyse):
    text = "variant,unit,outcome\na,1,10\na,1,5\na,2,0\nb,3,0\nb,4,1\n"
    assert analyse(text, "--metric=revenue")["a"]["mean"] == 7.5


def test_a_unit_in_two_variants_is_left_out_and_counted(analyse):
    found = analyse("variant,unit,outcome\na,1,1\nb,1,1\na,2,0\nb,3,1\n")
    assert (found["a"]["units"], found["b"]["units"]) == (1, 1)
    assert found["a"]["units_left_out"] == 1


class TestDesigns:
    """A gain that one planned look shows, and a look that may be had any day does not yet."""

    @pytest.fixture
    def small(self):
        return rows({"control": 0.05, "new": 0.061}, size=4_500, seed=4)

    def test_one_look_at_the_end_asks_the_least(self, analyse, small):
        found = analyse(small, "--design=fixed")["new"]
        assert found["p_value"] < 0.04
        assert found["verdict"] == "better"
        assert analyse(small)["new"]["verdict"] == "no difference yet"

    def test_an_early_planned_look_asks_for_more_than_the_last(self, analyse, small):
        early = analyse(small, "--design=o-brien-fleming", "--looks", ".25")["new"]
        last = analyse(small, "--design=o-brien-fleming", "--looks", ".25", "1")["new"]
        assert (early["verdict"], last["verdict"]) == ("no difference yet", "better")


@pytest.mark.parametrize(
    ("text", "args", "reason"),
    [
        ("variant,outcome\na,1\nb,0\n", [], "column unit is missing"),
        ("variant,unit,outcome\na,1,1\na,2,0\n", [], "column variant has 1 values"),
        ("variant,unit,outcome\na,1,yes\nb,2,0\n", [], "column outcome, line 2: 'yes'"),
        ("variant,unit,outcome\na,1,1\nb,2,3\n", [], "column outcome, line 3: a conversion is 0"),
        ("variant,unit,outcome\na,1,1\n,2,0\n", [], "column variant, line 3: it is blank"),
        ("variant,unit,outcome\na, ,1\nb,2,0\n", [], "column unit, line 2: it is blank"),
        ("variant,unit,pre,outcome\na,1,x,1\nb,2,1,0\n", [], "column pre, line 2"),
        ("variant,unit,outcome\na,1,1\nb,1,0\n", [], "a variant has no unit that is in it alone"),
        (TWO, ["--control=c"], "--control: no variant 'c'"),
        (TWO, ["--shares", "a=1"], "--shares: one share"),
        (TWO, ["--shares", "a=x"], "'a=x' is not VARIANT"),
        (TWO, ["--design=o-brien-fleming"], "--looks: o-brien-fleming needs"),
        (TWO, ["--looks", ".5"], "--looks: only o-brien-fleming"),
        (TWO, ["--design=o-brien-fleming", "--looks", ".5", ".4"], "--looks: fractions"),
        (TWO, ["--planned=0"], "--planned: at least one"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(analyse, text, args, reason):
    with pytest.raises(CommandError, match=reason):
        analyse(text, *args)


@pytest.mark.skipif(not HILLSTROM.exists(), reason="the public data is not here")
def test_both_mails_of_the_public_test_brought_visits(analyse):
    with gzip.open(HILLSTROM, "rt", encoding="utf-8", newline="") as file:
        text = "variant,unit,outcome\n" + "".join(
            f"{row['segment']},{number},{row['visit']}\n"
            for number, row in enumerate(csv.DictReader(file))
        )
    found = analyse(text, "--control=No E-Mail")
    assert found["Mens E-Mail"]["verdict"] == found["Womens E-Mail"]["verdict"] == "better"
    assert found["Mens E-Mail"]["lift"] == pytest.approx(0.0766, abs=1e-3)
