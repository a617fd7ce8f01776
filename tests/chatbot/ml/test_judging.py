"""How right guesses were, for each intent and by pairs."""

import pytest

from chatbot.ml.intent import Guess
from chatbot.ml.judging import PAIRS, accuracy, told_apart


def guessed(*names, sure=1.0):
    return [Guess(((name, sure),), 1.0) for name in names]


WANTED = ["faq", "faq", "faq", "coupon"]
HEARD = guessed("faq", "coupon", "coupon", "coupon", sure=0.5)


def test_intents_count_alike_however_many_examples_they_have():
    found = accuracy(HEARD, WANTED)
    assert found["accuracy"] == 0.5
    assert found["macro_accuracy"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["ece"] == 0, "half sure, right by half"


def test_each_intent_has_its_figures():
    rows = told_apart(HEARD, WANTED)["per_intent"]
    assert rows["faq"] == pytest.approx({"precision": 1, "recall": 1 / 3, "f1": 0.5, "count": 3})
    assert rows["coupon"] == pytest.approx({"precision": 1 / 3, "recall": 1, "f1": 0.5, "count": 1})


def test_shares_of_nothing_are_not_told():
    rows = told_apart(guessed("gift"), ["faq"])["per_intent"]
    assert rows["faq"] == {"precision": None, "recall": 0, "f1": 0, "count": 1}
    assert rows["gift"] == {"precision": 0, "recall": None, "f1": 0, "count": 0}


def test_pairs_are_counted_by_direction_the_most_frequent_first():
    found = told_apart(guessed("b", "b", "a", "c", "c"), ["a", "a", "b", "a", "c"])
    assert found["confusions"] == [["a", "b", 2], ["a", "c", 1], ["b", "a", 1]]


def test_what_is_right_confuses_nothing():
    assert told_apart(guessed("a", "b"), ["a", "b"])["confusions"] == []


def test_no_more_pairs_than_anybody_mends():
    names = [str(number) for number in range(2 * PAIRS)]
    assert len(told_apart(guessed(*names), ["x"] * len(names))["confusions"]) == PAIRS


def test_no_message_at_all_has_a_report_too():
    assert told_apart([], []) == {"per_intent": {}, "confusions": []}
