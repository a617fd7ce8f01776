"""What staff teach is learned."""

from datetime import timedelta

import pytest

from chatbot import learning, training
from chatbot.models import Example
from crm.models import Artifact
from crm.training import Order
from tests.chatbot.conftest import NOW

pytestmark = pytest.mark.django_db


def teach(text, intent, *, days=1):
    Example.objects.create(
        text=text,
        intent=intent,
        language="en",
        source="staff",
        created_at=NOW - timedelta(days=days),
    )


def test_the_first_training_beats_the_keywords_and_serves():
    report = training.train_intents(Order(as_of=NOW, now=NOW))
    assert report["promoted"]
    assert report["metrics"]["macro_accuracy"] > report["baseline_metrics"]["macro_accuracy"]
    assert Artifact.objects.get(status="champion").pk == report["artifact"]


def test_training_writes_the_report_that_the_staff_read(monkeypatch):
    monkeypatch.setattr("crm.encoder._encoder", lambda: None)
    monkeypatch.setattr(training, "shipped", dict)
    for number in range(30):
        verb = ("buy", "track", "return")[number % 3]
        teach(f"{verb} thing {number}", verb, days=31 - number)
    reported = training.train_intents(Order(as_of=NOW, now=NOW))
    report = learning.report()
    assert report.champion.pk == reported["artifact"]
    assert {one.name for one in report.intents} == {"buy", "track", "return"}
    assert sum(one.count for one in report.intents) == 6, "what only evaluates, nothing fitted on"
    assert all(0 <= one.f1 <= 1 for one in report.intents)
    assert set(reported["metrics"]) == {"accuracy", "macro_accuracy", "ece"}


def test_the_newest_of_the_staffs_examples_only_evaluate():
    for number in range(20):
        teach(f"do you take coin number {number}", "crypto", days=21 - number)
    examples = training._collect(Order(as_of=NOW, now=NOW))
    held = {t for t, h in zip(examples.texts, examples.held_out, strict=True) if h}
    assert "do you take coin number 19" in held
    assert "do you take coin number 0" not in held


def test_what_staff_say_counts_over_what_was_shipped():
    teach("hello", "crypto")
    examples = training._collect(Order(as_of=NOW, now=NOW))
    assert dict(zip(examples.texts, examples.intents, strict=True))["hello"] == "crypto"


def test_later_examples_are_not_seen():
    Example.objects.create(text="zzz", intent="x", language="en", source="staff", created_at=NOW)
    assert "zzz" not in training._collect(Order(as_of=NOW, now=NOW)).texts
