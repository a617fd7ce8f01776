"""The analyst's bench of the CRM: formats kept, errors that name the column."""

import csv
import json

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def analyse(tmp_path, capsys):
    """Write files, run a subject; return (report, rows of the output)."""

    def run(subject, files, *args):
        paths = []
        for option, text in files.items():
            path = tmp_path / f"{option.strip('-')}.csv"
            path.write_text(text, encoding="utf-8")
            paths += [option, str(path)]
        output = tmp_path / "output.csv"
        call_command("analyse", subject, *paths, "--output", str(output), *args)
        report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        rows = list(csv.DictReader(output.open(encoding="utf-8"))) if output.exists() else []
        return report, rows

    return run


ORDERS = "amount,customer,date\n10,a,2026-01-01\n5,a,2026-01-01\n7,a,2026-01-05\n3,b,2026-01-02\n"


class TestRfm:
    def test_columns_come_in_any_order_and_go_out_as_promised(self, analyse):
        report, rows = analyse("rfm", {"--orders": ORDERS}, "--as-of", "2026-01-10")
        assert list(rows[0]) == [
            "customer",
            "recency",
            "frequency",
            "monetary",
            "r",
            "f",
            "m",
            "score",
            "label",
        ]
        assert rows[0]["customer"] == "a"
        assert (rows[0]["recency"], rows[0]["frequency"], rows[0]["monetary"]) == ("5", "2", "22.0")
        assert report["customers"] == 2

    def test_orders_after_the_date_are_not_seen(self, analyse):
        report, rows = analyse("rfm", {"--orders": ORDERS}, "--as-of", "2026-01-02")
        assert rows[0]["frequency"] == "1"
        assert report["orders_after_date"] == 1

    def test_a_missing_column_is_named(self, analyse):
        with pytest.raises(CommandError, match="column amount is missing"):
            analyse("rfm", {"--orders": "customer,date\na,2026-01-01\n"}, "--as-of", "2026-01-02")

    def test_an_unreadable_date_is_named_with_its_line(self, analyse):
        bad = ORDERS + "1,c,yesterday\n"
        with pytest.raises(CommandError, match="column date, line 6: 'yesterday'"):
            analyse("rfm", {"--orders": bad}, "--as-of", "2026-01-02")

    def test_an_unreadable_amount_is_named_with_its_line(self, analyse):
        with pytest.raises(CommandError, match="column amount, line 6"):
            analyse("rfm", {"--orders": ORDERS + "much,c,2026-01-01\n"}, "--as-of", "2026-01-02")

    def test_no_orders_until_then_is_said(self, analyse):
        with pytest.raises(CommandError, match="no orders until then"):
            analyse("rfm", {"--orders": ORDERS}, "--as-of", "2025-01-01")

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(CommandError, match=r"gone\.csv: no such file"):
            call_command(
                "analyse",
                "rfm",
                "--orders",
                str(tmp_path / "gone.csv"),
                "--as-of",
                "2026-01-01",
                "--output",
                "x",
            )


class TestClusters:
    TABLE = "customer,spend,city\n" + "".join(
        f"c{i},{1 if i % 2 else 1000 + i},{'Paris' if i % 2 else '上海'}\n" for i in range(60)
    )

    def test_numbers_and_text_make_groups_with_names(self, analyse):
        report, rows = analyse("clusters", {"--input": self.TABLE}, "--k", "2")
        assert list(rows[0]) == ["customer", "cluster"]
        assert len({row["cluster"] for row in rows[::2]}) == 1
        assert rows[0]["cluster"] != rows[1]["cluster"]
        assert sum(one["size"] for one in report["clusters"]) == 60
        assert all(
            one["name"] and one["description"] and one["name_zh"] for one in report["clusters"]
        )
        assert report["silhouette"] > 0.5

    @pytest.mark.parametrize("method", ["dbscan", "hdbscan"])
    def test_density_methods_answer_in_the_same_form(self, analyse, method):
        report, rows = analyse("clusters", {"--input": self.TABLE}, "--method", method)
        assert len(rows) == 60
        assert report["method"] == method

    def test_k_is_found_by_itself(self, analyse):
        report, _ = analyse("clusters", {"--input": self.TABLE}, "--k", "auto")
        assert report["k"] >= 2

    def test_blank_numbers_take_the_middle(self, analyse):
        report, _ = analyse("clusters", {"--input": self.TABLE + "x,,Paris\n"}, "--k", "2")
        assert sum(one["size"] for one in report["clusters"]) == 61

    def test_all_equal_features_are_one_group(self, analyse):
        report, _ = analyse("clusters", {"--input": "customer,x\na,1\nb,1\nc,1\n"})
        assert report["k"] == 1

    def test_no_features_at_all_is_said(self, analyse):
        with pytest.raises(CommandError, match="no column of features"):
            analyse("clusters", {"--input": "customer\na\n"})


class TestLifetime:
    SUMMARY = "customer,frequency,recency,T,monetary_value\n" + "".join(
        f"c{i},{i % 4},{(i % 4) * 20},{100 + i},{25 + i % 7 if i % 4 else 0}\n" for i in range(80)
    )

    def test_parameters_and_forecasts_have_their_names(self, analyse):
        report, rows = analyse("lifetime", {"--input": self.SUMMARY})
        assert {"r", "alpha", "a", "b", "log_likelihood", "p", "q", "v"} <= set(report)
        assert list(rows[0]) == [
            "customer",
            "p_alive",
            "expected_purchases_90d",
            "clv_365d",
            "lower",
            "upper",
        ]
        assert all(0 <= float(row["p_alive"]) <= 1 for row in rows)

    def test_money_is_optional(self, analyse):
        bare = "\n".join(line.rsplit(",", 1)[0] for line in self.SUMMARY.splitlines()) + "\n"
        report, _ = analyse("lifetime", {"--input": bare})
        assert "r" in report
        assert "p" not in report

    def test_orders_will_do_too(self, analyse):
        orders = "customer,date,amount\n" + "".join(
            f"c{i},2026-0{1 + j}-1{i % 9},{10 + i}\n" for i in range(40) for j in range(1 + i % 4)
        )
        report, rows = analyse("lifetime", {"--orders": orders})
        assert report["customers"] == len(rows) == 40
        assert report["unit"] == "days"

    def test_neither_input_nor_orders_is_said(self, analyse):
        with pytest.raises(CommandError, match="give --input or --orders"):
            analyse("lifetime", {})

    def test_impossible_ages_are_named(self, analyse):
        with pytest.raises(CommandError, match="recency is larger than T"):
            analyse("lifetime", {"--input": "customer,frequency,recency,T\na,1,9,5\n"})

    def test_nobody_who_came_back_is_said(self, analyse):
        with pytest.raises(CommandError, match="second time"):
            analyse("lifetime", {"--input": "customer,frequency,recency,T\na,0,0,5\n"})


class TestRules:
    def test_rules_have_their_columns(self, analyse):
        baskets = "bread,milk\nbread,milk,eggs\nbread\n"
        report, rows = analyse(
            "rules", {"--baskets": baskets}, "--min-support", "0.5", "--min-confidence", "0.5"
        )
        assert list(rows[0]) == [
            "antecedent",
            "consequent",
            "support",
            "confidence",
            "lift",
            "conviction",
            "p_value",
            "significant",
        ]
        assert report == {"baskets": 3, "rules": 2, "significant": 0}

    def test_rules_of_chance_are_left_out_where_that_is_asked(self, analyse):
        baskets = "tea,cup\n" * 60 + "tea,jam\ncup,pen\n" + "pen,jam\n" * 60
        options = ("--min-support", "0.001", "--min-confidence", "0.001")
        report, rows = analyse("rules", {"--baskets": baskets}, *options, "--significant-only")
        assert {row["significant"] for row in rows} == {"True"}
        assert 0 < len(rows) == report["significant"] < report["rules"]

    def test_items_of_a_side_are_sorted_and_joined(self, analyse):
        baskets = "b,a,c\nc,b,a\nd\n"
        _, rows = analyse(
            "rules", {"--baskets": baskets}, "--min-support", "0.5", "--min-confidence", "0.5"
        )
        assert "a;b" in {row["antecedent"] for row in rows}

    def test_no_baskets_is_said(self, analyse):
        with pytest.raises(CommandError, match="no baskets"):
            analyse("rules", {"--baskets": "\n"}, "--min-support", "0.5", "--min-confidence", "0.5")


class TestSentiment:
    TRAIN = "label,text\n" + "".join(
        f"{label},{text} {number}\n"
        for number in range(12)
        for label, text in (
            ("好", "很满意"),
            ("差", "太失望"),
            ("好", "love it"),
            ("差", "hate it"),
        )
    )

    def test_labels_come_with_their_confidence_in_the_order_of_the_test(self, analyse):
        test = "text,label\n很满意,好\nhate it,差\n"
        report, rows = analyse("sentiment", {"--train": self.TRAIN, "--test": test})
        assert list(rows[0]) == ["text", "label", "confidence"]
        assert [row["label"] for row in rows] == ["好", "差"]
        assert all(0.5 <= float(row["confidence"]) <= 1 for row in rows)
        assert report["accuracy"] == 1.0
        assert set(report["f1"]) == {"好", "差"}
        assert {"ece", "train_seconds", "p50_ms", "p95_ms"} <= set(report)

    def test_a_missing_column_is_named(self, analyse):
        with pytest.raises(CommandError, match="column label is missing"):
            analyse("sentiment", {"--train": "text,mood\na,b\n", "--test": "text,label\na,b\n"})

    def test_a_single_label_teaches_nothing(self, analyse):
        files = {"--train": "text,label\na,x\nb,x\n", "--test": "text,label\na,x\n"}
        with pytest.raises(CommandError, match="column label needs at least two labels"):
            analyse("sentiment", files)

    def test_an_empty_test_is_refused(self, analyse):
        with pytest.raises(CommandError, match="no rows"):
            analyse("sentiment", {"--train": self.TRAIN, "--test": "text,label\n"})
