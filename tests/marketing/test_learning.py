"""`train`, `evaluate`, `analyse`: one JSON object at the end, failures explained."""

import json

import pytest
from django.core.management import CommandError, call_command

from marketing import learning
from tests.recommendations.worlds import make_shop

pytestmark = pytest.mark.django_db


def run(capsys, *args):
    call_command(*args)
    out, err = capsys.readouterr()
    return json.loads(out.strip().splitlines()[-1]), err


def test_training_reports_each_name_with_its_verdict(capsys):
    make_shop()
    report, progress = run(capsys, "train", "rfm", "recommender", "--as-of", "2026-03-01")
    assert list(report) == ["rfm", "recommender"]
    wanted = {
        "artifact",
        "metrics",
        "baseline_metrics",
        "champion_metrics",
        "promoted",
        "reason",
        "rows",
        "seconds",
    }
    assert all(wanted <= set(entry) for entry in report.values())
    assert "training recommender" in progress


def test_too_little_data_is_said_and_no_crash(capsys):
    report, _ = run(capsys, "train", "recommender", "lifetime")
    assert not report["recommender"]["promoted"]
    assert "needed" in report["lifetime"]["reason"]


def test_an_unknown_name_is_an_explained_failure():
    with pytest.raises(CommandError, match="nothing to train is called luck"):
        call_command("train", "luck")


def test_a_time_that_is_none_is_an_explained_failure():
    with pytest.raises(CommandError, match="not an ISO date"):
        call_command("train", "rfm", "--as-of", "yesterday")


def test_nothing_after_the_moment_is_trained_on(capsys):
    make_shop()
    early, _ = run(capsys, "train", "rfm", "--as-of", "2025-12-01")
    late, _ = run(capsys, "train", "rfm", "--as-of", "2026-03-01")
    assert early["rfm"]["rows"] < late["rfm"]["rows"]


def test_the_champion_is_evaluated_and_nothing_is_kept(capsys):
    from crm.models import Artifact

    make_shop()
    run(capsys, "train", "recommender", "--as-of", "2026-03-01")
    report, _ = run(capsys, "evaluate", "recommender")
    assert report["metrics"]["ndcg@10"] > report["baseline_metrics"]["ndcg@10"]
    assert Artifact.objects.count() == 1


def test_without_a_champion_there_is_nothing_to_evaluate():
    make_shop()
    with pytest.raises(CommandError, match="recommender has no champion"):
        call_command("evaluate", "recommender")


def test_every_trainer_and_subject_is_found():
    assert {"rfm", "clusters", "lifetime", "recommender", "ratings"} <= set(learning.trainers())
    assert {"rfm", "clusters", "lifetime", "rules", "recommend", "rating"} <= set(
        learning.subjects()
    )
