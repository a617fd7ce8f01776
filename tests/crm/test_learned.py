"""What was learned is told in words: names, measures and reasons, in the reader's language."""

import pytest
from django.utils.translation import override

from crm import learned
from crm.ml.evaluation import Gap, beats
from crm.models import Artifact

WORSE, BETTER = {"auc": 0.6123}, {"auc": 0.7456}


@pytest.mark.parametrize(
    ("metrics", "baseline", "champion", "said"),
    [
        (BETTER, WORSE, None, "基线为 0.6123，此前没有现役模型"),
        (BETTER, WORSE, WORSE, "基线为 0.6123，现役模型为 0.6123"),
        (WORSE, BETTER, None, "未超过基线的 0.7456"),
        (BETTER, WORSE, {"auc": 0.8}, "低于现役模型的 0.8000"),
    ],
)
def test_every_verdict_is_said_in_chinese(metrics, baseline, champion, said):
    reason = beats(metrics, baseline, champion, metric="auc").reason
    assert learned.reason(reason).startswith("rank quality (AUC)")
    with override("zh-hans"):
        told = learned.reason(reason)
    assert told.startswith("排序质量（AUC）")
    assert told.endswith(said)


@pytest.mark.parametrize(
    ("rival", "said"),
    [
        ("baseline", "可能比基线的 0.6000 低 0.1000"),
        ("champion", "可能比现役模型的 0.6500 低 0.1000"),
    ],
)
def test_a_verdict_of_too_few_customers_is_said_in_chinese(rival, said):
    gaps = {rival: Gap(0.0, -0.1, 0.1)}
    verdict = beats({"auc": 0.7}, {"auc": 0.6}, {"auc": 0.65}, metric="auc", gaps=gaps)
    with override("zh-hans"):
        assert said in learned.reason(verdict.reason)


def test_kinds_of_models_have_a_name_and_others_a_readable_one():
    assert learned.kind("user-knn") == "customers of like taste"
    assert learned.kind("wind_speed") == "wind speed"


def test_a_reason_of_another_form_stays_as_it_is():
    assert learned.reason("3 customers scored") == "3 customers scored"


def test_estimators_of_every_app_have_a_name_and_others_a_readable_one():
    assert learned.version("recommender#9") == "Recommendations #9"
    assert learned.version("intents#2") == "What a message wants #2"
    assert learned.version("next_order") == "Next order"
    assert learned.version("wind_speed#1") == "Wind speed #1"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.51519, "0.515"), (567.2472, "567.2"), (13384.0, "13,384"), (1.0, "1.000"), (None, "–")],
)
def test_a_figure_has_as_many_digits_as_it_deserves(value, shown):
    assert learned.figure(value) == shown


def test_measures_stand_beside_those_of_the_baseline_and_the_champion():
    artifact = Artifact(metrics={"auc": 0.7, "ece": 0.02}, baseline_metrics={"auc": 0.6})
    found = [(one.name, one.ours, one.baseline, one.champion) for one in learned.measures(artifact)]
    assert found == [
        ("rank quality (AUC)", "0.700", "0.600", "–"),
        ("calibration error", "0.020", "–", "–"),
    ]
