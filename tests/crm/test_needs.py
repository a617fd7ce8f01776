"""What each customer needed in the last ninety days, with quotes."""

from datetime import timedelta

import pytest

from crm import needs
from crm.models import Opinion, Score
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


def wrote(customer, need, *, days=1, sure=0.9, **fields):
    Opinion.objects.create(
        customer=customer, source="chat", key=str(Opinion.objects.count()), text=f"about {need}",
        language="en", at=NOON - timedelta(days=days), need=need, need_confidence=sure, **fields,
    )  # fmt: skip


def test_shares_add_up_and_the_largest_names_the_need():
    ada = make_customer()
    for need in ("delivery", "delivery", "price", "other", ""):
        wrote(ada, need)
    assert needs.refresh(as_of=NOON, now=NOON) == 1
    score = Score.objects.get(name="need")
    assert (score.label, score.value) == ("delivery", pytest.approx(2 / 3, abs=1e-4))
    assert score.detail["texts"] == 3
    assert score.detail["quotes"] == ["about delivery"] * 2


def test_old_texts_and_unsure_guesses_count_for_nobody():
    wrote(make_customer(), "price", days=91)
    wrote(make_customer(), "price", sure=0.3)
    assert needs.refresh(as_of=NOON, now=NOON) == 0


def test_what_staff_said_counts_whatever_was_guessed():
    wrote(make_customer(), "price", sure=0.1, need_corrected="account")
    needs.refresh(as_of=NOON, now=NOON)
    assert Score.objects.get(name="need").label == "account"


def test_the_chat_lends_its_sentences():
    found = needs.examples()
    assert {"advice", "delivery", "after_sales"} <= {need for _, need in found}
