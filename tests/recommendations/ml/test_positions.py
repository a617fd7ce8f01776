"""Which positions are looked at is found again in clicks that were made with a known answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.positions import DEEPEST, Positions, assumed

TRUTH = np.array([1.0, 0.7, 0.5, 0.4, 0.33, 0.27, 0.22, 0.18, 0.15, 0.12])


def shown(*, customers=1500, products=40, visits=6, most=0.6, seed=0):
    """(positions, pairs, products, clicked): lists of ten, ordered by what each one really likes."""
    rng = np.random.default_rng(seed)
    tastes = 1.5 * rng.normal(size=(customers, products)) + rng.normal(size=products)
    appeal = most / (1.0 + np.exp(2.0 - tastes))
    noisy = np.repeat(tastes, visits, axis=0) + rng.normal(size=(customers * visits, products))
    listed = np.argsort(-noisy, axis=1)[:, :10]
    customer = np.repeat(np.arange(customers), visits)[:, None]
    clicked = rng.random(listed.shape) < TRUTH * appeal[customer, listed]
    positions = np.tile(np.arange(1, 11), len(listed))
    pairs = (customer * products + listed).ravel()
    return positions, pairs, listed.ravel(), clicked.ravel()


def off(found):
    return np.abs(found[:10] - TRUTH).max()


def chances_maximised(positions, groups, clicked, *, rounds=200):
    """The usual expectation maximisation (Wang et al. 2018), an appeal for each group."""
    place, (_, group) = positions - 1, np.unique(groups, return_inverse=True)
    looked_at, appeal = np.full(10, 0.5), np.full(group.max() + 1, 0.3)
    for _ in range(rounds):
        a, b = looked_at[place], np.minimum(appeal[group], 1 - 1e-9)
        looked = np.where(clicked, 1.0, a * (1 - b) / (1 - a * b))
        liked = np.where(clicked, 1.0, b * (1 - a) / (1 - a * b))
        looked_at = np.bincount(place, looked) / np.bincount(place)
        appeal = np.bincount(group, liked) / np.bincount(group)
    return looked_at / looked_at[0]


@pytest.fixture(scope="module")
def clicks():
    return shown()


class TestFound:
    def test_the_planted_bias_is_found_though_what_pleases_stands_on_top(self, clicks):
        positions, pairs, _, clicked = clicks
        assert off(Positions().fit(positions, pairs, clicked).looked_at_) < 0.04

    def test_click_through_by_position_is_not_it(self, clicks):
        positions, _, _, clicked = clicks
        rate = np.array([clicked[positions == place].mean() for place in range(1, 11)])
        assert off(rate / rate[0]) > 0.1

    def test_nor_is_it_found_when_everybody_is_thought_to_like_a_product_alike(self, clicks):
        positions, _, products, clicked = clicks
        assert off(Positions().fit(positions, products, clicked).looked_at_) > 0.08

    def test_maximised_chances_overfit_small_groups_where_the_balance_does_not(self, clicks):
        positions, pairs, _, clicked = clicks
        ours = off(Positions().fit(positions, pairs, clicked).looked_at_)
        assert off(chances_maximised(positions, pairs, clicked)) > 3 * ours

    def test_rare_clicks_are_enough(self):
        positions, pairs, _, clicked = shown(customers=3000, most=0.1, seed=1)
        assert off(Positions().fit(positions, pairs, clicked).looked_at_) < 0.08

    def test_the_order_of_the_rows_changes_nothing(self, clicks):
        positions, pairs, _, clicked = clicks
        order = np.random.default_rng(0).permutation(len(positions))
        one = Positions().fit(positions, pairs, clicked)
        other = Positions().fit(positions[order], pairs[order], clicked[order])
        assert np.allclose(one.looked_at_, other.looked_at_)


class TestLittleIsKnown:
    def test_without_a_click_the_usual_discount_is_assumed(self):
        nothing = np.zeros(0, int)
        for fitted in (
            Positions().fit(nothing, nothing, nothing.astype(bool)),
            Positions().fit(np.arange(1, 6), np.zeros(5, int), np.zeros(5, bool)),
        ):
            assert np.array_equal(fitted.looked_at_, assumed(DEEPEST))
            assert fitted.informative_ == 0

    def test_groups_at_one_position_say_nothing(self):
        positions, groups = np.array([1, 1, 2, 2]), np.array([0, 0, 1, 1])
        fitted = Positions().fit(positions, groups, np.array([True, False, True, True]))
        assert np.array_equal(fitted.looked_at_, assumed(DEEPEST))

    def test_one_click_moves_little(self):
        fitted = Positions().fit(np.array([1, 2]), np.array([0, 0]), np.array([False, True]))
        assert np.abs(fitted.looked_at_ - assumed(DEEPEST)).max() < 0.25

    def test_positions_never_shown_go_on_fading_as_those_that_were(self, clicks):
        positions, pairs, _, clicked = clicks
        found = Positions().fit(positions, pairs, clicked).looked_at_
        steepness = np.diff(np.log(found[10:])) / np.diff(np.log(assumed(DEEPEST)[10:]))
        assert steepness == pytest.approx(np.full(len(steepness), steepness[0]))
        assert steepness[0] > 1.2  # this page fades faster than is assumed of all

    def test_a_hundred_clicks_show_how_fast_looking_fades(self):
        """Position by position there are ten clicks; the smooth curve holds them together."""
        positions, pairs, _, clicked = shown(customers=60, seed=3)
        fitted = Positions().fit(positions, pairs, clicked)
        assert fitted.informative_ < 500
        rough = Positions(caution=0.5).fit(positions, pairs, clicked)
        assert np.all(np.diff(fitted.looked_at_[:10]) < 0.03)
        assert off(fitted.looked_at_) <= off(rough.looked_at_)
        assert off(fitted.looked_at_) < off(assumed(DEEPEST))

    def test_positions_beyond_the_deepest_are_taken_together(self):
        fitted = Positions().fit(np.array([1, 400]), np.array([0, 0]), np.array([True, False]))
        assert fitted.looked_at(np.array([400])) == fitted.looked_at(np.array([DEEPEST]))

    def test_positions_begin_at_one(self):
        with pytest.raises(ValueError, match="begin at 1"):
            Positions().fit(np.array([0]), np.array([0]), np.array([True]))


class TestWeights:
    def test_a_click_far_down_counts_for_more(self, clicks):
        positions, pairs, _, clicked = clicks
        weights = Positions().fit(positions, pairs, clicked).weights(np.arange(1, 11))
        assert weights[9] > 3 * weights[0]

    @given(st.lists(st.integers(1, 300), max_size=30), st.floats(1.0, 20.0))
    def test_their_mean_is_one_and_none_is_beyond_the_clip(self, positions, clip):
        nothing = np.zeros(0, int)
        weights = (
            Positions().fit(nothing, nothing, nothing).weights(np.array(positions, int), clip=clip)
        )
        assert len(weights) == len(positions)
        if positions:
            assert weights.mean() == pytest.approx(1.0)
            assert weights.max() <= clip * weights.min() * (1 + 1e-9)

    def test_what_is_clicked_and_weighted_is_what_is_liked(self, clicks):
        """Appeals estimated from weighted clicks rank products as their true appeals do."""
        positions, pairs, products, clicked = clicks
        fitted = Positions().fit(positions, pairs, clicked)
        # The same clicks as if all had been looked at: shown times seen is what is divided by.
        seen = np.bincount(products, fitted.looked_at(positions))
        times = np.bincount(products)
        found = np.bincount(products[clicked], minlength=len(times)) / seen
        rng_appeal = 0.6 / (1 + np.exp(2.0 - _tastes()))
        listed_appeal = np.bincount(products, rng_appeal.ravel()[pairs]) / times
        plain = np.bincount(products[clicked], minlength=len(times)) / times
        assert np.abs(found - listed_appeal).mean() < 0.3 * np.abs(plain - listed_appeal).mean()


def _tastes(customers=1500, products=40, seed=0):
    rng = np.random.default_rng(seed)
    return 1.5 * rng.normal(size=(customers, products)) + rng.normal(size=products)


def test_it_comes_back_from_its_state(clicks):
    positions, pairs, _, clicked = clicks
    fitted = Positions(caution=3.0).fit(positions, pairs, clicked)
    again = Positions.from_state(fitted.state())
    assert again.caution == 3.0
    assert np.array_equal(again.looked_at_, fitted.looked_at_)
    assert again.informative_ == fitted.informative_ > 0
