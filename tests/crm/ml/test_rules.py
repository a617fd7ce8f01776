"""Association rules with exact numbers."""

import gzip
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def one_by_one(baskets, *, min_support, min_confidence):
    """The definition, word by word: every set, every basket."""
    held = [set(basket) for basket in baskets]
    items = sorted(set().union(*held))
    counts = {
        some: sum(set(some) <= basket for basket in held)
        for size in range(1, len(items) + 1)
        for some in combinations(items, size)
    }
    least = min_support * len(held) - 1e-9
    found = {}
    for some, both in counts.items():
        if len(some) < 2 or both < max(least, 1):
            continue
        for right in some:
            left = tuple(item for item in some if item != right)
            if both / counts[left] >= min_confidence - 1e-9:
                lift = both / counts[left] / (counts[right,] / len(held))
                found[left, (right,)] = (both, round(lift, 9))
    return found


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=30),
    st.sampled_from([0.05, 0.2, 0.5]),
    st.sampled_from([0.0, 0.4, 0.8]),
)
@settings(max_examples=80, deadline=None)
def test_rules_are_those_of_the_definition(baskets, support, confidence):
    found = {
        (rule.antecedent, rule.consequent): (
            round(rule.support * len(baskets)),
            round(rule.lift, 9),
        )
        for rule in rules(baskets, min_support=support, min_confidence=confidence)
    }
    assert found == one_by_one(baskets, min_support=support, min_confidence=confidence)


def test_little_memory_finds_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    baskets = [[f"i{item}" for item in np.flatnonzero(rng.random(12) < 0.4)] for _ in range(200)]
    whole = rules(baskets, min_support=0.02, min_confidence=0.3)
    monkeypatch.setattr("crm.ml.rules.PAIRS_BYTES", 100)
    assert rules(baskets, min_support=0.02, min_confidence=0.3) == whole


def test_the_longest_rule_may_be_limited():
    found = rules(BASKETS, min_support=0.2, min_confidence=0.1, longest=2)
    assert {len(rule.antecedent) for rule in found} == {1}


def test_empty_baskets_count_in_the_whole():
    found = rules([["a", "b"], [], []], min_support=0.1, min_confidence=0.1)
    assert [rule.support for rule in found] == pytest.approx([1 / 3, 1 / 3])
