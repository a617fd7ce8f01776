"""`analyse click`: impressions in, a chance for every row of the test out."""

import json

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from tests.campaigns.ml.impressions import Impressions, loss


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(train, test, *args):
        paths = tmp_path / "train.csv", tmp_path / "test.csv"
        for path, table in zip(paths, (train, test), strict=True):
            text = table if isinstance(table, str) else table.to_csv(index=False)
            path.write_text(text, encoding="utf-8")
        output = tmp_path / "out.csv"
        call_command(
            "analyse",
            "click",
            f"--train={paths[0]}",
            f"--test={paths[1]}",
            f"--output={output}",
            *args,
        )
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1]), pd.read_csv(output)

    return run


@pytest.fixture(scope="module")
def world():
    return Impressions.made(30_000, seed=2)


def as_table(world):
    return pd.DataFrame(world.table).assign(click=world.clicks.astype(int))


def test_every_row_of_the_test_has_a_chance(analyse, world):
    train, test = world.part(0, 25_000), world.part(25_000, None)
    report, found = analyse(as_table(train), as_table(test))
    assert list(found.columns) == ["row", "probability"]
    assert found["row"].tolist() == list(range(5_000))
    assert loss(found["probability"], test.clicks) == pytest.approx(report["log_loss"])
    rate = train.clicks.mean()
    assert report["log_loss"] < loss(pd.Series([rate] * 5_000), test.clicks) - 0.01
    assert report["calibration"] == pytest.approx(1.0, abs=0.1)
    assert report["auc"] > 0.6


def test_columns_in_any_order_without_clicks_and_with_new_levels(analyse, world):
    table = as_table(world)
    test = table.drop(columns="click")[table.columns[-2::-1]].head(50).copy()
    same = analyse(table, test)[1]
    assert same.equals(analyse(table, table.head(50))[1])
    test["c0"] = "new"
    test["c1"] = ""
    report, found = analyse(table, test)
    assert "log_loss" not in report
    assert report["rare_or_unseen"]["c0"] == 1.0
    assert found["probability"].between(0, 1).all()


def test_a_column_can_be_left_out(analyse, world):
    report, _ = analyse(as_table(world), as_table(world).head(20), "--without=c7")
    assert "c7" not in report["levels"]


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("a,b\nx,y\n", "a\nx\n", "train.csv: column click is missing"),
        ("a,click\nx,1\nx,0\n", "b\nx\n", "test.csv: column a is missing"),
        ("a,click\nx,1\nx,2\n", "a\nx\n", "column click, line 3: a click is 0 or 1"),
        ("a,click\nx,1\nx,\n", "a\nx\n", "column click, line 3: '' is not a number"),
        ("a,click\nx,1\nx,0\n", "a,click\nx,7\n", "test.csv: column click, line 2"),
        ("a,click\nx,0\nx,0\n", "a\nx\n", "column click is 0 in every row"),
        ("click\n1\n0\n", "click\n1\n", "0 columns beside click"),
        ("a,click\n", "a\nx\n", "train.csv: it has no rows"),
        ("a,click\nx,1\nx,0\n", "a\n", "test.csv: it has no rows"),
        ("", "a\nx\n", "not a CSV table"),
    ],
)
def test_what_cannot_be_used_is_named(analyse, train, test, said):
    with pytest.raises(CommandError) as refusal:
        analyse(train, test)
    assert said in str(refusal.value)


def test_a_handful_of_rows_gives_their_rate(analyse):
    found = analyse("a,click\nx,1\ny,0\nx,0\n", "a\nx\nz\n")[1]
    assert found["probability"].between(0.2, 0.6).all()
