"""`analyse recommend` and `analyse rating`: formats kept, honest lists, errors that name the column."""

import csv
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from recommendations.analysis import ALGORITHMS
from tests.recommendations.ml.extras import algorithms

HEADER = "customer,product,value,timestamp\n"
ROWS = [
    f"u{u},p{(u % 2) + 2 * ((u + step) % 6)},1,{1_700_000_000 + 86_400 * step + u}"
    for u in range(30)
    for step in range(4)
]
INTERACTIONS = HEADER + "\n".join(ROWS) + "\n"
RATINGS = "customer,product,value\n" + "".join(
    f"u{u},p{p},{5 if u % 2 == p % 2 else 2}\n" for u in range(20) for p in range(10) if (u * p) % 7
)


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(subject, files, *args, output=True):
        paths = []
        for option, text in files.items():
            path = tmp_path / f"{option.strip('-')}.csv"
            path.write_text(text, encoding="utf-8")
            paths += [option, str(path)]
        target = tmp_path / "output.csv"
        paths += ["--output", str(target)] if output else []
        call_command("analyse", subject, *paths, *args)
        report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return report, list(csv.DictReader(target.open(encoding="utf-8"))) if output else []

    return run


@pytest.mark.parametrize("algorithm", algorithms(*ALGORITHMS))
def test_every_algorithm_gives_everybody_k_new_products_with_reasons(analyse, algorithm):
    report, rows = analyse(
        "recommend", {"--interactions": INTERACTIONS}, "--k", "3", "--algorithm", algorithm
    )
    assert list(rows[0]) == ["customer", "product", "rank", "score", "reason"]
    assert len(rows) == 30 * 3
    known = {tuple(row.split(",")[:2]) for row in ROWS}
    assert not {(row["customer"], row["product"]) for row in rows} & known
    assert all(row["reason"] for row in rows)
    assert [row["rank"] for row in rows[:3]] == ["1", "2", "3"]
    assert report["algorithm"] == algorithm


@pytest.mark.parametrize("asked", [["--algorithm", "gru"], ["--recurrent"]])
def test_an_algorithm_of_an_extra_that_is_absent_says_what_to_install(analyse, monkeypatch, asked):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CommandError, match="pip install -r requirements-neural.txt"):
        analyse("recommend", {"--interactions": INTERACTIONS}, *asked)


def test_unknown_customers_get_k_rows_too(analyse):
    files = {"--interactions": INTERACTIONS, "--customers": "u1\nsomebody\n"}
    report, rows = analyse("recommend", files, "--k", "4")
    assert [row["customer"] for row in rows] == ["u1"] * 4 + ["somebody"] * 4
    assert {row["reason"] for row in rows[4:]} == {"popular"}
    assert report["unknown_customers"] == 1


def test_with_repeats_known_products_come_again(analyse):
    _, rows = analyse("recommend", {"--interactions": INTERACTIONS}, "--k", "12", "--repeat")
    known = {tuple(row.split(",")[:2]) for row in ROWS}
    assert {(row["customer"], row["product"]) for row in rows} & known


def test_value_and_timestamp_are_optional_and_columns_in_any_order(analyse):
    table = "product,customer\n" + "\n".join(",".join(row.split(",")[1::-1]) for row in ROWS) + "\n"
    _, rows = analyse("recommend", {"--interactions": table}, "--k", "2")
    assert len(rows) == 60


def test_times_may_be_written_as_people_do(analyse):
    table = "customer,product,timestamp\n" + "".join(
        f"u{i % 9},p{i % 7},2026-01-{1 + i % 28:02}T10:00:00Z\n" for i in range(60)
    )
    report, _ = analyse("recommend", {"--interactions": table})
    assert report["customers"] == 9


def test_titles_of_products_are_said_in_reasons(analyse):
    products = "product,title,brand\n" + "".join(f"p{i},Teapot {i},b{i % 2}\n" for i in range(13))
    files = {"--interactions": INTERACTIONS, "--products": products}
    report, rows = analyse("recommend", files, "--algorithm", "content", "--k", "2")
    assert any("Teapot" in row["reason"] for row in rows)
    assert report["products"] == 13


def test_a_catalogue_that_is_too_small_gives_a_shorter_honest_list(analyse):
    table = "customer,product\na,x\na,y\nb,y\nb,z\nc,x\n"
    _, rows = analyse("recommend", {"--interactions": table}, "--k", "10")
    assert sorted((row["customer"], row["product"]) for row in rows) == [
        ("a", "z"),
        ("b", "x"),
        ("c", "y"),
        ("c", "z"),
    ]


def test_no_places_are_no_rows(analyse):
    report, rows = analyse("recommend", {"--interactions": INTERACTIONS}, "--k", "0")
    assert rows == []
    assert report["rows"] == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("customer,value\na,1\n", "column product is missing"),
        ("customer,product,value\na,x,many\n", "column value, line 2: 'many' is not a number"),
        ("customer,product,value\na,x,nan\n", "column value, line 2"),
        ("customer,product,timestamp\na,x,soon\n", "column timestamp, line 2: 'soon'"),
        ("customer,product\n", "no rows"),
    ],
)
def test_what_cannot_be_read_is_named(analyse, table, message):
    with pytest.raises(CommandError, match=message):
        analyse("recommend", {"--interactions": table})


def test_an_algorithm_that_does_not_exist_is_refused(analyse):
    with pytest.raises(CommandError, match="invalid choice"):
        analyse("recommend", {"--interactions": INTERACTIONS}, "--algorithm", "magic")


@pytest.mark.parametrize("algorithm", ["svd", "svdpp", "knn-baseline", "blend", "mean"])
def test_ratings_are_predicted_with_their_errors(analyse, algorithm):
    test = "product,customer,value\np1,u0,2\np0,u0,5\nnew,u0,3\np0,nobody,4\n"
    report, _ = analyse(
        "rating", {"--train": RATINGS, "--test": test}, "--algorithm", algorithm, output=False
    )
    assert 0 <= report["mae"] <= report["rmse"] < 3
    assert report["fit_seconds"] >= 0
    assert report["rows"] == 4


def test_tastes_are_worth_more_than_means(analyse):
    files = {"--train": RATINGS, "--test": RATINGS}
    svd, _ = analyse("rating", files, "--algorithm", "svd", output=False)
    mean, _ = analyse("rating", files, "--algorithm", "mean", output=False)
    assert svd["rmse"] < mean["rmse"]


def test_moments_of_ratings_are_used_where_both_files_have_them(analyse):
    header, *lines = RATINGS.strip().split("\n")
    moments = [f"{line},{1_700_000_000 + 3_600 * (n % 48)}" for n, line in enumerate(lines)]
    dated = "\n".join([f"{header},timestamp", *moments])
    for test in (dated, RATINGS):
        report, _ = analyse(
            "rating", {"--train": dated, "--test": test}, "--algorithm", "blend", output=False
        )
        assert 0 <= report["rmse"] < 2


def test_a_missing_value_column_is_named(analyse):
    with pytest.raises(CommandError, match="column value is missing"):
        analyse("rating", {"--train": "customer,product\na,x\n", "--test": RATINGS}, output=False)
