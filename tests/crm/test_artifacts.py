from datetime import timedelta
from typing import ClassVar, Self

import numpy as np
import pytest
from django.core.files import File

from crm import artifacts, training
from crm.ml.estimator import State
from crm.models import Artifact
from tests.factories import NOON

pytestmark = pytest.mark.django_db


class Mean:
    """The smallest estimator there is."""

    name: ClassVar[str] = "mean"
    format: ClassVar[int] = 1

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight

    def fit(self, values: np.ndarray) -> Self:
        self.mean_ = np.array([values.mean() * self.weight])
        return self

    def state(self) -> State:
        return State({"mean": self.mean_}, {"weight": self.weight})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        self.mean_ = state.arrays["mean"]
        return self


def train(*values, score=0.5):
    estimator = Mean().fit(np.array(values, dtype=float))
    provenance = artifacts.Provenance(metrics={"r2": score})
    return artifacts.save(estimator, provenance, as_of=NOON, now=NOON)


def promote(artifact, days=0):
    artifacts.promote(artifact, now=NOON + timedelta(days=days))


def test_what_was_saved_and_promoted_serves():
    promote(train(1, 2, 3))
    assert artifacts.load_serving(Mean).mean_ == [2.0]


def test_a_candidate_does_not_serve():
    train(1, 2, 3)
    assert artifacts.load_serving(Mean) is None


def test_nothing_trained_yet_is_a_normal_day():
    assert artifacts.load_serving(Mean) is None
    assert artifacts.load_serving_with_version(Mean) is None


def test_only_one_artifact_of_a_name_serves():
    first, second = train(1), train(2)
    promote(first)
    promote(second, days=1)
    assert artifacts.champion_of("mean") == second
    first.refresh_from_db()
    assert first.status == Artifact.Status.ARCHIVED


def test_rolling_back_lets_the_one_before_serve():
    first, second, third = train(1), train(2), train(3)
    for day, artifact in enumerate((first, second)):
        promote(artifact, days=day)
    assert artifacts.roll_back("mean", now=NOON + timedelta(days=3)) == first
    assert artifacts.load_serving(Mean).mean_ == [1.0]
    assert third.status == Artifact.Status.CANDIDATE


def test_there_may_be_nothing_to_roll_back_to():
    promote(train(1))
    with pytest.raises(artifacts.NothingToRollBackTo):
        artifacts.roll_back("mean", now=NOON)


def test_another_format_is_not_read(monkeypatch):
    artifact = train(1)
    promote(artifact)
    monkeypatch.setattr(Mean, "format", 2)
    assert artifacts.load_serving(Mean) is None
    with pytest.raises(artifacts.UnreadableArtifact, match="format 1, not 2"):
        artifacts.load(Mean, artifact)


@pytest.mark.parametrize("damage", ["append", "empty", "delete"])
def test_damaged_bytes_are_not_read(damage):
    artifact = train(1)
    promote(artifact)
    if damage == "delete":
        artifact.file.storage.delete(artifact.file.name)
    else:
        with open(artifact.file.path, "ab" if damage == "append" else "wb") as file:
            file.write(b"x")
    assert artifacts.load_serving(Mean) is None


def test_an_artifact_says_where_it_comes_from():
    artifact = train(1)
    assert len(artifact.code_version) == 12
    assert artifact.sha256
    assert artifact.trained_at == NOON


def evidence(ours, baseline=0.1, champion=None):
    return training.Evidence(
        metric="r2",
        metrics={"r2": ours},
        baseline={"r2": baseline},
        champion=None if champion is None else {"r2": champion},
        data_fingerprint=training.fingerprint(np.arange(3)),
        rows=3,
        seconds=0.1,
    )


@pytest.mark.parametrize(
    ("ours", "champion", "promoted"),
    [
        (0.5, None, True),
        (0.1, None, False),
        (0.05, None, False),
        (0.5, 0.6, False),
        (0.6, 0.5, True),
    ],
)
def test_only_what_is_better_on_later_time_is_promoted(ours, champion, promoted):
    estimator = Mean().fit(np.ones(3))
    order = training.Order(as_of=NOON, now=NOON)
    report = training.conclude(estimator, evidence(ours, champion=champion), order)
    artifact = Artifact.objects.get(pk=report["artifact"])
    assert report["promoted"] is promoted
    assert (artifact.status == Artifact.Status.CHAMPION) is promoted
    assert artifact.reason == report["reason"]
    assert f"{ours:.4f}" in report["reason"]


def test_the_fingerprint_tells_other_data():
    assert training.fingerprint(np.arange(3)) == training.fingerprint(np.arange(3))
    assert training.fingerprint(np.arange(3)) != training.fingerprint(np.arange(4))


def test_what_serves_lies_in_the_file_and_not_in_the_memory_of_a_process():
    promote(train(1, 2, 3))
    artifacts._load.cache_clear()
    serving = artifacts.load_serving(Mean)
    assert not serving.mean_.flags.owndata
    assert not serving.mean_.flags.writeable


def test_the_digest_is_compared_once_for_as_long_as_the_file_is_the_same(monkeypatch):
    artifact = train(1)
    digested = []
    monkeypatch.setattr(artifacts, "_digest", lambda _: digested.append(1) or artifact.sha256)
    for _ in range(3):  # as in three processes
        artifacts._load.cache_clear()
        artifacts.load(Mean, artifact)
    assert digested == [1]


def test_a_file_that_was_changed_after_the_digest_was_compared_is_compared_again():
    artifact = train(1)
    artifacts.load(Mean, artifact)
    artifacts._load.cache_clear()
    with open(artifact.file.path, "ab") as file:
        file.write(b"x")
    with pytest.raises(artifacts.UnreadableArtifact, match="does not match its digest"):
        artifacts.load(Mean, artifact)


def test_an_artifact_on_a_storage_without_files_is_read_as_well(monkeypatch):
    artifact = train(1, 2, 3)

    def no_path(name):
        raise NotImplementedError

    monkeypatch.setattr(artifacts.default_storage._wrapped, "path", no_path, raising=False)
    path = artifact.file.storage.base_location
    monkeypatch.setattr(
        artifacts.default_storage._wrapped,
        "open",
        lambda name: File(open(f"{path}/{name}", "rb")),  # noqa: SIM115  (closed by who asks)
    )
    artifacts._load.cache_clear()
    assert artifacts.load(Mean, artifact).mean_ == [2.0]
