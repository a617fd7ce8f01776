"""Association rules with exact numbers."""

import gzip
from pathlib import Path

import pytest

from crm.ml.rules import frequent, rules

GROCERIES = Path(__file__).resolve().parents[4] / "shared" / "data" / "groceries" / "baskets.csv.gz"
BASKETS = [["bread", "milk"], ["bread", "milk", "eggs"], ["bread"], ["milk"], ["eggs", "milk"]]


def test_counts_are_exact():
    counts = frequent(BASKETS, min_support=0.4)
    assert counts == {
        ("bread",): 3,
        ("milk",): 4,
        ("eggs",): 2,
        ("bread", "milk"): 2,
        ("eggs", "milk"): 2,
    }


def test_a_rule_has_its_numbers():
    found = rules(BASKETS, min_support=0.4, min_confidence=0.6)
    by_sides = {(rule.antecedent, rule.consequent): rule for rule in found}
    rule = by_sides[("bread",), ("milk",)]
    assert rule.support == pytest.approx(0.4)
    assert rule.confidence == pytest.approx(2 / 3)
    assert rule.lift == pytest.approx((2 / 3) / 0.8)
    assert rule.conviction == pytest.approx(0.2 / (1 / 3))


def test_a_rule_that_never_fails_has_no_end_of_conviction():
    found = rules(BASKETS, min_support=0.4, min_confidence=1.0)
    assert [(rule.antecedent, rule.conviction) for rule in found] == [(("eggs",), float("inf"))]


def test_an_item_twice_in_a_basket_counts_once():
    assert frequent([["a", "a"], ["b"]], min_support=0.5)["a",] == 1


def test_no_baskets_are_no_rules():
    assert rules([], min_support=0.1, min_confidence=0.1) == []


@pytest.mark.skipif(not GROCERIES.exists(), reason="../shared/data/groceries is absent")
@pytest.mark.parametrize(
    ("support", "confidence", "count"), [(0.006, 0.25, 463), (0.001, 0.8, 410), (0.001, 0.5, 5668)]
)
def test_groceries_give_the_published_number_of_rules(support, confidence, count):
    with gzip.open(GROCERIES, "rt") as file:
        baskets = [line.rstrip("\n").split(",") for line in file]
    assert len(rules(baskets, min_support=support, min_confidence=confidence)) == count
