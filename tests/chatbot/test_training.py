"""What staff teach is learned."""

from datetime import timedelta

import pytest

from chatbot import training
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
    assert Artifact.objects.get().status == "champion"


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
