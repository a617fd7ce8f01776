"""`analyse propensity`: any table in, calibrated chances with reasons out."""

import csv
import io
import json
import re
from contextlib import redirect_stdout

import numpy as np
import pytest
from django.core.management import CommandError, call_command


def people(count=240, seed=0, *, shift=0.0):
    rng = np.random.default_rng(seed)
    age, city = rng.normal(40 + shift, 10, count).round(1), rng.choice(["Paris", "上海"], count)
    odds = (age - 40) / 8 + (city == "Paris")
    label = np.where(rng.random(count) < 1 / (1 + np.exp(-odds)), "Yes", "No")
    age = np.where(rng.random(count) < 0.1, "", age.astype(str))
    rows = (f"{n},{a},{c},{y}" for n, (a, c, y) in enumerate(zip(age, city, label, strict=True)))
    return "id,age,city,bought\n" + "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def analyse(tmp_path_factory):
    folder = tmp_path_factory.mktemp("analyse")

    def run(train, test, *args, target="bought"):
        for name, text in (("train", train), ("test", test)):
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        files = [f"--{name}={folder / name}.csv" for name in ("train", "test")]
        output, said = folder / "output.csv", io.StringIO()
        with redirect_stdout(said):
            call_command(
                "analyse", "propensity", *files, f"--target={target}", f"--output={output}", *args
            )
        report = json.loads(said.getvalue().strip().splitlines()[-1])
        return report, list(csv.DictReader(output.open(encoding="utf-8")))

    return run


@pytest.fixture(scope="module")
def plain(analyse):
    """(report, rows) of the table as it is."""
    return analyse(people(), people(seed=1))


class TestTheAnswer:
    def test_it_has_the_promised_figures_and_a_row_for_every_row(self, plain):
        report, rows = plain
        assert {"auc", "average_precision", "brier", "ece", "lift_at_10"} <= set(report)
        assert report["auc"] > 0.65
        assert report["positive"] == "Yes"
        assert len(rows) == report["rows"] == 240
        assert all(0 <= float(row["probability"]) <= 1 for row in rows)

    def test_reasons_add_up_to_the_log_odds_of_the_row(self, plain):
        for row in plain[1]:
            told = json.loads(row["reasons"])
            odds = told["base"] + told["others"] + sum(r["log_odds"] for r in told["reasons"])
            assert 1 / (1 + np.exp(-odds)) == pytest.approx(float(row["probability"]), abs=1e-9)
            assert {r["column"] for r in told["reasons"]} <= {"age", "city", "id"}

    @pytest.mark.parametrize(
        ("language", "likelier", "less"),
        [("en", "likelier: ", "less likely: "), ("zh-hans", "更可能：", "更不可能：")],
    )
    def test_reasons_are_said_in_words_too(self, analyse, language, likelier, less):
        _, rows = analyse(people(), people(seed=1), f"--language={language}")
        for row in rows:
            told = [r for r in json.loads(row["reasons"])["reasons"] if r["log_odds"]]
            parts = re.split("; |；", row["because"]) if row["because"] else []
            assert len(parts) == len(told)
            for part, reason in zip(parts, told, strict=True):
                assert part.startswith(likelier if reason["log_odds"] > 0 else less)
                assert reason["column"] in part
                assert reason["value"] in part

    def test_columns_come_in_any_order(self, analyse, plain):
        lines = [line.split(",") for line in people(seed=1).strip().splitlines()]
        turned = "\n".join(",".join(line[::-1]) for line in lines) + "\n"
        assert analyse(people(), turned)[0] == plain[0]

    def test_what_moved_between_the_files_is_warned_of(self, analyse, plain):
        report, _ = analyse(people(), people(seed=1, shift=30))
        assert report["drift"]["drifted"] == ["age"]
        assert "age" in report["drift"]["warning"]
        assert "warning" not in plain[0]["drift"]

    def test_a_column_that_knows_the_answer_is_suspected_and_can_be_left_out(self, analyse):
        def leaking(text):
            head, *lines = text.strip().splitlines()
            said = (f"{line},{9 if line.endswith('Yes') else 2}" for line in lines)
            return "\n".join([f"{head},minutes", *said]) + "\n"

        train, test = leaking(people()), leaking(people(seed=1))
        report, _ = analyse(train, test)
        assert report["suspicious_columns"] == {"minutes": 1.0}
        honest, _ = analyse(train, test, "--without", "minutes")
        assert honest["suspicious_columns"] == {}
        assert honest["auc"] < report["auc"]

    def test_both_splits_are_shown_on_request(self, analyse):
        report, _ = analyse(people(), people(seed=1), "--split-by-time")
        assert set(report["random_split"]) == set(report["time_split"])

    def test_levels_never_seen_are_no_trouble(self, analyse):
        report, rows = analyse(people(), people(seed=1).replace("上海", "Oslo"))
        assert len(rows) == 240


class TestRefusals:
    @pytest.mark.parametrize(
        ("train", "test", "why"),
        [
            (people().replace("Yes", "No"), people(), "column bought is 'No' in every row"),
            (people(), people().replace("Yes", "Maybe"), "'Maybe' is not in the training"),
            (people() + "9,5,x,Perhaps\n", people(), "column bought has 3 values"),
            (people(8), people(), "rows are a"),
            (people(), "id,age,bought\n1,2,Yes\n", "column city is missing"),
        ],
    )
    def test_what_is_wrong_is_named(self, analyse, train, test, why):
        with pytest.raises(CommandError, match=why):
            analyse(train, test)

    def test_a_target_that_is_not_there_is_named(self, analyse):
        with pytest.raises(CommandError, match="column churn is missing"):
            analyse(people(), people(), target="churn")

    def test_a_table_with_nothing_beside_the_target_is_refused(self, analyse):
        bare = "bought\n" + "Yes\nNo\n" * 50
        with pytest.raises(CommandError, match="no column varies"):
            analyse(bare, bare)
