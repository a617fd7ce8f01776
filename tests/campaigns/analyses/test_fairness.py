"""`analyse fairness`: decisions by group in, rates, differences and alarms out."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(text):
        path = tmp_path / "decisions.csv"
        path.write_text(text, encoding="utf-8")
        call_command("analyse", "fairness", f"--input={path}")
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    return run


def decisions(rates, *, size=600, seed=0):
    rng = np.random.default_rng(seed)
    lines = [
        f"{rng.integers(0, 2)},{name},{0.5 if rng.random() < rate else 0.4999}"
        for name, rate in rates.items()
        for _ in range(size)
    ]
    return "y,group,p\n" + "\n".join(lines) + "\n"


def test_a_planted_unfairness_is_flagged(analyse):
    found = analyse(decisions({"北京": 0.5, "Paris": 0.3}))
    assert not found["fair"]
    assert found["alarms"] == ["selection_rate", "tpr", "fpr"]
    assert found["groups"]["北京"]["n"] == 600
    assert set(found["groups"]["Paris"]) >= {"selection_rate", "tpr", "fpr", "precision", "n"}
    low, high = found["intervals"]["demographic_parity_difference"]
    assert low < 0.2 < high
    assert low < found["demographic_parity_difference"] < high
    assert found["below_four_fifths"]
    assert found["equalized_odds_difference"] > 0.1


def test_alike_groups_are_not(analyse):
    found = analyse(decisions({"a": 0.4, "b": 0.4, "c": 0.4}))
    assert (found["fair"], found["alarms"], found["below_four_fifths"]) == (True, [], False)


def test_a_half_is_a_yes(analyse):
    found = analyse("group,y,p\na,1,0.5\nb,0,0.499\n")
    assert found["groups"]["a"]["selection_rate"] == 1
    assert found["groups"]["b"]["selection_rate"] == 0
    assert found["groups"]["a"]["fpr"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group,y\na,1\n", "column p is missing"),
        ("group,y,p\n", "it has no rows"),
        ("group,y,p\na,1,0.5\nb,0,x\n", "column p, line 3: 'x' is not a number"),
        ("group,y,p\na,1,0.5\nb,nan,1\n", "column y, line 3: 'nan' is not a number"),
        ("group,y,p\na,1,0.5\nb,2,1\n", "column y, line 3: it is neither 0 nor 1"),
        ("group,y,p\na,1,1.5\nb,1,1\n", "column p, line 2: a chance lies between 0 and 1"),
        ("group,y,p\na,1,1\n ,1,1\n", "column group, line 3: it is blank"),
        ("group,y,p\na,1,1\na,0,0\n", "column group has 1 values"),
        ("group,y,p\n" + "".join(f"g{n},1,1\n" for n in range(51)), "has 51 values"),
    ],
)
def test_what_cannot_be_used_says_why(analyse, text, said):
    with pytest.raises(CommandError) as refusal:
        analyse(text)
    assert said in str(refusal.value)
