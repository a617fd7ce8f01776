"""Designs of experiments: published bounds, known sizes, and what simulations find of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.ml.designs import bounds, spent, units_for_means, units_for_shares


class TestUnits:
    def test_shares_as_the_textbook_has_them(self):
        assert units_for_shares(0.05, 0.2) == 8_158

    def test_means_as_the_textbook_has_them(self):
        assert units_for_means(10.0, 1.0) == 1_570  # 2 x (1.96 + .84)² x 100

    def test_so_many_units_find_the_lift_in_four_of_five_experiments(self):
        units, rng = units_for_shares(0.05, 0.2), np.random.default_rng(0)
        one, other = (rng.binomial(units, rate, 4_000) / units for rate in (0.06, 0.05))
        middle = (one + other) / 2
        z = (one - other) / np.sqrt(2 * middle * (1 - middle) / units)
        assert 0.78 < (np.abs(z) > 1.96).mean() < 0.82

    @given(st.floats(0.01, 0.4), st.floats(0.05, 1.0))
    def test_a_smaller_lift_needs_more(self, base, lift):
        assert units_for_shares(base, lift / 2) > units_for_shares(base, lift)

    @pytest.mark.parametrize(
        ("base", "lift"), [(0.0, 0.1), (1.0, 0.1), (0.05, 0.0), (0.6, 1.0), (0.5, -1.0)]
    )
    def test_shares_that_cannot_be_are_refused(self, base, lift):
        with pytest.raises(ValueError, match="cannot be told apart"):
            units_for_shares(base, lift)

    def test_a_difference_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="difference"):
            units_for_means(10.0, 0.0)


class TestBounds:
    def test_five_even_looks_as_published(self):
        """Lan and DeMets' O'Brien-Fleming type, two-sided 5 %."""
        found = bounds([0.2, 0.4, 0.6, 0.8, 1.0])
        assert found == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)

    def test_one_look_is_the_ordinary_test(self):
        assert bounds([1.0]) == pytest.approx([1.959964], abs=1e-6)

    def test_looks_at_moments_of_ones_choice_keep_the_error(self):
        fractions = [0.1, 0.35, 0.5, 0.9, 1.0]
        rng = np.random.default_rng(0)
        steps = rng.normal(size=(200_000, 5)) * np.sqrt(np.diff([0.0, *fractions]))
        z = steps.cumsum(axis=1) / np.sqrt(fractions)
        stopped = (np.abs(z) > np.array(bounds(fractions))).any(axis=1)
        assert stopped.mean() == pytest.approx(0.05, abs=0.002)

    def test_a_very_early_look_cannot_stop_anything(self):
        assert bounds([0.001, 1.0])[0] == float("inf")

    @given(st.lists(st.floats(0.05, 1.0), min_size=1, max_size=6, unique=True))
    def test_the_later_the_look_the_less_is_asked(self, fractions):
        fractions = sorted(fractions)
        if all(b - a > 0.01 for a, b in zip(fractions, fractions[1:], strict=False)):
            assert all(x >= 1.9 for x in bounds(fractions))

    @pytest.mark.parametrize("fractions", [[], [0.5, 0.4], [0.5, 0.5], [0.0, 1.0], [0.5, 1.2]])
    def test_looks_that_are_none_are_refused(self, fractions):
        with pytest.raises(ValueError, match="fractions"):
            bounds(fractions)

    def test_all_is_spent_at_the_end_and_nothing_at_the_start(self):
        assert spent(0.0) == 0.0
        assert spent(1.0) == pytest.approx(0.05)
        assert spent(2.0) == pytest.approx(0.05)
