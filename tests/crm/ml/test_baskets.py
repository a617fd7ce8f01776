"""Pairs of products that go together, kept and asked."""

import numpy as np
import pytest

from crm.ml.baskets import BasketRules, hit_rate
from tests.contracts import EstimatorContract

TEA, CUP, JAM, PEN = 1, 2, 3, 4


def baskets(*, count=400, seed=0):
    """Tea goes with cups; jam and pens go with nothing."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        basket = {product for product in (TEA, JAM, PEN) if rng.random() < 0.3}
        if TEA in basket and rng.random() < 0.8:
            basket.add(CUP)
        made.append(tuple(sorted(basket)))
    return [basket for basket in made if basket]


class TestTheContract(EstimatorContract):
    @pytest.fixture
    def data(self):
        return baskets()

    @pytest.fixture
    def estimator(self):
        return BasketRules()

    def answer(self, estimator, data):
        return np.array([[row for row in estimator.suggest((TEA,), n=3)]], dtype=float)


class TestSuggestions:
    def test_what_goes_with_the_basket_comes_first(self):
        rules = BasketRules().fit(baskets())
        rows = rules.suggest((TEA, JAM), n=5)
        assert [int(rules.right_[row]) for row in rows] == [CUP]

    def test_what_is_in_the_basket_is_not_suggested(self):
        assert BasketRules().fit(baskets()).suggest((TEA, CUP), n=5) == []

    def test_an_unknown_product_suggests_nothing(self):
        assert BasketRules().fit(baskets()).suggest((99,), n=5) == []

    def test_a_rule_that_chance_would_make_is_kept_but_not_spoken_of(self):
        rules = BasketRules().fit(baskets())
        pairs = set(zip(rules.left_.tolist(), rules.right_.tolist(), strict=True))
        assert (JAM, PEN) in pairs
        assert rules.suggest((JAM,), n=5) == []

    def test_the_strongest_names_every_pair_once(self):
        rules = BasketRules().fit(baskets())
        rows = rules.strongest(10)
        assert [{int(rules.left_[row]), int(rules.right_[row])} for row in rows] == [{TEA, CUP}]

    def test_no_baskets_are_no_rules(self):
        rules = BasketRules().fit([])
        assert rules.suggest((TEA,), n=5) == []
        assert rules.strongest(5) == []


class TestHitRate:
    def test_it_is_the_share_of_lists_with_the_hidden_product(self):
        rate, error = hit_rate([[1, 2], [3], [4], []], [2, 3, 1, 1])
        assert rate == 0.5
        assert error == pytest.approx(0.25)

    def test_nothing_judged_is_no_hit(self):
        assert hit_rate([], []) == (0.0, 0.0)
