"""The back-test on the page of an artifact: drawn where there is one, in both languages."""

import json

import pytest
from django.urls import reverse

from crm import backtests
from crm.models import Artifact
from tests.factories import NOON

QUALITY = {"auc": 0.8, "average_precision": 0.5, "brier": 0.1, "ece": 0.01, "lift_at_10": 3.0}
CHANCE = {
    "kind": "chance",
    "tenths": [
        {"expected": 0.1, "rate": 0.2, "lift": 0.5},
        {"expected": 0.6, "rate": 0.5, "lift": 2},
    ],
    "random_split": QUALITY,
    "time_split": QUALITY | {"auc": 0.7},
    "members": {"svm": 0.6, "logistic": 0.7},
    "left_out_orders": 3,
}
VALUE = {
    "kind": "value",
    "months": [{"month": 1, "expected": 10.0, "actual": 12.0}],
    "peers": {"blended": {"spearman": 0.6, "mae": 4.0, "total_ratio": 1.02}},
    "covered": 0.91,
}
LISTS = {
    "kind": "lists",
    "customers": 1500,
    "gaps": {"baseline": {"mean": 0.05, "low": 0.04, "high": 0.06}},
    "histories": [
        {"fewest": 1, "most": 2, "customers": 900, "candidate": 0.1, "baseline": 0.08},
        {"fewest": 11, "most": None, "customers": 600, "candidate": 0.3, "baseline": 0.2},
    ],
    "voices": [
        {"name": "ease", "half_life": None, "weights": [0.25, 0.6]},
        {"name": "ease", "half_life": 60.0, "weights": [0.75, 0.4]},
    ],
}


class TestWhatIsDrawn:
    def test_expected_and_actual_stand_side_by_side(self):
        chart = json.loads(backtests.page(CHANCE)["calibration"])
        assert [series["data"] for series in chart["datasets"]] == [[10, 60], [20, 50]]

    def test_bars_are_not_stacked(self):
        scales = json.loads(backtests.page(VALUE)["months_options"])["scales"]
        assert not scales["x"]["stacked"]
        assert not scales["y"]["stacked"]

    def test_every_axis_has_a_name(self):
        page = backtests.page(CHANCE) | backtests.page(VALUE)
        for name in ("calibration_options", "lift_options", "months_options"):
            scales = json.loads(page[name])["scales"]
            assert all(scale["title"]["text"] for scale in scales.values())

    def test_both_splits_are_shown_for_every_measure(self):
        splits = backtests.page(CHANCE)["splits"]
        assert splits[0] == ("rank quality (AUC)", "0.800", "0.700")
        assert len(splits) == 5

    def test_the_best_kind_of_model_comes_first(self):
        assert backtests.page(CHANCE)["members"][0] == ("logistic regression", "0.700")

    def test_lists_are_compared_by_how_much_is_known_of_a_customer(self):
        page = backtests.page(LISTS)
        chart = json.loads(page["histories"])
        assert chart["labels"] == ["1–2", "11+"]
        assert [one["label"] for one in chart["datasets"]] == ["what sells", "this one"]
        assert [one["data"] for one in chart["datasets"]] == [[0.08, 0.2], [0.1, 0.3]]

    def test_a_champion_that_was_there_is_a_third_bar_of_its_own_colour(self):
        group = LISTS["histories"][0] | {"champion": 0.09}
        chart = json.loads(backtests.page(LISTS | {"histories": [group]})["histories"])
        assert len({one["backgroundColor"] for one in chart["datasets"]}) == 3

    def test_a_voice_that_forgets_is_told_from_one_that_does_not(self):
        voices = [name for name, *_ in backtests.page(LISTS)["voices"]]
        assert voices[1] == f"{voices[0]}, half forgotten after 60 days"

    def test_weights_stand_under_the_length_of_the_history_they_are_for(self):
        voice = {"name": "ease", "half_life": None, "weights": [0.0, 0.2, 0.5, 0.6]}
        page = backtests.page(LISTS | {"voices": [voice]})
        assert page["lengths"] == ["0", "1–2", "3–5", "6+"]
        assert page["voices"][0][1] == [0.0, 0.2, 0.5, 0.6]
        assert backtests.page(LISTS)["lengths"] == ["short history", "longer history"]

    def test_the_gap_is_drawn_with_its_interval(self):
        assert backtests.page(LISTS)["gaps"].bars[0].is_clear

    def test_an_artifact_without_one_draws_nothing(self):
        assert backtests.page({}) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "word"), [("en", "Back-test on later time"), ("zh-hans", "用之后的时间回测")]
)
@pytest.mark.parametrize("backtest", [CHANCE, VALUE, LISTS], ids=["chance", "value", "lists"])
def test_the_page_shows_it_in_the_language_of_the_reader(admin_client, backtest, language, word):
    artifact = Artifact.objects.create(
        name="churn_30", sha256="0" * 64, format=1, as_of=NOON, trained_at=NOON, backtest=backtest
    )
    admin_client.cookies["django_language"] = language
    page = admin_client.get(reverse("admin:crm_artifact_change", args=[artifact.pk]))
    assert page.status_code == 200
    text = page.content.decode()
    assert word in text
    assert "data-value" in text
