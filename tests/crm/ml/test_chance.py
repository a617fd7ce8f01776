"""The chance of a rule in shuffled baskets: sizes and sales kept, nothing meant."""

import gzip

import numpy as np
import pytest

from crm.ml.chance import Shuffled, holm
from crm.ml.rules import rules
from tests.crm.ml.shuffling import shuffled
from tests.crm.ml.test_rules import GROCERIES


def crowded(*, baskets=2000, items=30, seed=0):
    """Independent items, but some baskets are large: pairs meet often and mean nothing by it."""
    rng = np.random.default_rng(seed)
    appetite = rng.choice([0.05, 0.6], baskets, p=[0.8, 0.2])
    liked = rng.uniform(0.3, 1.0, items)
    held = rng.random((baskets, items)) < appetite[:, None] * liked
    return [[f"i{item:02d}" for item in np.flatnonzero(row)] for row in held if row.any()]


def planted(baskets, *, share=0.5, seed=1):
    """The same, where many who have i00 take i01 along."""
    rng = np.random.default_rng(seed)
    along = [
        {*basket, "i01"} if "i00" in basket and rng.random() < share else set(basket)
        for basket in baskets
    ]
    return [sorted(basket) for basket in along]


def significant(baskets, **options):
    options = {"min_support": 0.01, "min_confidence": 0.0} | options
    return {
        (rule.antecedent, rule.consequent) for rule in rules(baskets, **options) if rule.significant
    }


class TestTheNullModel:
    def test_it_holds_as_many_items_as_the_baskets_and_the_sales(self):
        sizes, baskets = np.array([1, 2, 4]), np.array([50, 30, 20])
        items = np.array([70, 50, 30, 20, 10, 5, 5])
        null = Shuffled(sizes=sizes, baskets=baskets, items=items)
        odds = null.room[sizes][:, None] * null.odds
        chances = odds / (1 + odds)
        assert chances.sum(axis=1) == pytest.approx(sizes, rel=1e-4)
        assert baskets @ chances == pytest.approx(items, rel=1e-3)

    def test_an_item_of_every_basket_upsets_nothing(self):
        baskets = [[*basket, "postage"] for basket in planted(crowded())]
        found = significant(baskets, longest=2)
        assert not [sides for sides in found if ("postage",) in sides]
        assert (("i00",), ("i01",)) in found

    def test_a_basket_that_the_antecedent_fills_has_no_room_for_the_consequent(self):
        null = Shuffled(
            sizes=np.array([1, 2]), baskets=np.array([10, 10]), items=np.array([15, 10, 5])
        )
        chances = null.chances(
            antecedents=np.array([[0]]),
            by_size=np.array([[5, 0]]),
            of_rule=np.array([0]),
            consequents=np.array([1]),
            both=np.array([1]),
        )
        assert chances[0] < 1e-100

    def test_chances_are_no_smaller_than_shuffles_make_them(self):
        baskets = planted(crowded(baskets=300, items=15), share=0.1)
        rng = np.random.default_rng(0)
        found = {
            (rule.antecedent, rule.consequent): rule
            for rule in rules(baskets, min_support=0.02, min_confidence=0.0, longest=2)
            if rule.p_value < 0.1
        }
        assert len(found) > 3
        exceeded = dict.fromkeys(found, 0)
        for _ in range(200):
            held = [set(basket) for basket in shuffled(baskets, rng)]
            for (left, right), rule in found.items():
                both = sum(left[0] in basket and right[0] in basket for basket in held)
                exceeded[left, right] += both >= round(rule.support * len(baskets))
        for sides, rule in found.items():
            error = 3 * np.sqrt(rule.p_value * (1 - rule.p_value) / 200) + 0.01
            assert exceeded[sides] / 200 <= rule.p_value + error


class TestSignificance:
    def test_large_baskets_alone_make_no_rule_significant(self):
        assert significant(crowded()) == set()

    def test_a_plain_test_of_independence_would_have_been_fooled(self):
        """Why the sizes of the baskets are kept: lift is above 1.5 for pairs that mean nothing."""
        found = rules(crowded(), min_support=0.01, min_confidence=0.0, longest=2)
        assert np.median([rule.lift for rule in found]) > 1.5

    def test_a_planted_rule_is_found_among_them(self):
        assert (("i00",), ("i01",)) in significant(planted(crowded()))

    def test_shuffling_takes_it_away(self):
        """Goal: in 95 of 100 shuffles nothing is significant. The sampled ones are seeded."""
        baskets = planted(crowded(items=15), share=0.8)
        assert (("i00",), ("i01",)) in significant(baskets)
        clean = [
            not significant(shuffled(baskets, np.random.default_rng(seed))) for seed in range(10)
        ]
        assert all(clean)

    @pytest.mark.skipif(not GROCERIES.exists(), reason="../shared/data/groceries is absent")
    def test_shuffled_groceries_hold_no_rule(self):
        with gzip.open(GROCERIES, "rt") as file:
            baskets = [line.rstrip("\n").split(",") for line in file]
        options = {"min_support": 0.001, "min_confidence": 0.25}
        assert len(significant(baskets, **options)) > 10
        for seed in range(3):
            mixed = shuffled(baskets, np.random.default_rng(seed), trades=8)
            assert significant(mixed, **options) == set()


class TestHolm:
    def test_the_smallest_pays_for_all_that_were_looked_at(self):
        assert holm(np.array([0.01, 0.001]), looked_at=10) == pytest.approx([0.09, 0.01])

    def test_a_larger_one_is_never_corrected_below_a_smaller(self):
        corrected = holm(np.array([0.010, 0.0101]), looked_at=3)
        assert corrected.tolist() == pytest.approx([0.03, 0.03])

    def test_nothing_goes_above_one(self):
        assert holm(np.array([0.9, 0.8]), looked_at=100).tolist() == [1.0, 1.0]

    def test_nothing_found_is_nothing_corrected(self):
        assert holm(np.zeros(0), looked_at=5).tolist() == []
