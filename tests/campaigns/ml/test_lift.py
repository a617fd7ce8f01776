"""Against published values, scipy, and simulation."""

import numpy as np
import pytest
from scipy import stats

from campaigns.ml.lift import (
    Mean,
    Share,
    difference_of_means,
    difference_of_shares,
    sample_ratio_p,
    wilson,
)


@pytest.mark.parametrize(  # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10
    ("a", "m", "b", "n", "lower", "upper"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
    ],
)
def test_the_interval_of_two_shares_is_newcombes(a, m, b, n, lower, upper):
    difference = difference_of_shares(Share(a, m), Share(b, n))
    assert difference.lower == pytest.approx(lower, abs=1e-4)
    assert difference.upper == pytest.approx(upper, abs=1e-4)
    assert difference.lower <= difference.estimate <= difference.upper


def test_the_p_value_is_the_pooled_z_tests():
    difference = difference_of_shares(Share(120, 1000), Share(80, 1000))
    table = [[120, 880], [80, 920]]
    assert difference.p_value == pytest.approx(
        stats.chi2_contingency(table, correction=False).pvalue
    )


def test_the_interval_of_two_means_is_welchs():
    rng = np.random.default_rng(1)
    a, b = rng.gamma(1, 50, 400), rng.gamma(1, 40, 150)
    ours = difference_of_means(
        Mean.of_sums(len(a), a.sum(), (a * a).sum()), Mean.of_sums(len(b), b.sum(), (b * b).sum())
    )
    theirs = stats.ttest_ind(a, b, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert (ours.lower, ours.upper) == pytest.approx((interval.low, interval.high))


def test_wilsons_interval_of_one_share():
    low, high = wilson(Share(15, 148))
    assert (low, high) == pytest.approx((0.0624, 0.1605), abs=1e-4)


def test_an_empty_arm_has_no_difference():
    assert difference_of_shares(Share(0, 0), Share(1, 2)) is None
    assert difference_of_means(Mean.of_sums(1, 3.0, 9.0), Mean.of_sums(5, 3.0, 9.0)) is None


def test_nobody_bought_anywhere_is_no_difference_at_all():
    difference = difference_of_shares(Share(0, 50), Share(0, 50))
    assert (difference.estimate, difference.p_value, difference.is_clear) == (0, 1.0, False)
    money = difference_of_means(Mean.of_sums(50, 0, 0), Mean.of_sums(50, 0, 0))
    assert (money.estimate, money.p_value) == (0, 1.0)


def test_a_total_scales_with_its_interval():
    difference = difference_of_shares(Share(30, 100), Share(10, 100)).times(1000)
    assert difference.estimate == pytest.approx(200)
    assert difference.lower < 200 < difference.upper


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(2000):
        treated = Share(int(rng.binomial(800, 0.09)), 800)
        control = Share(int(rng.binomial(200, 0.06)), 200)
        difference = difference_of_shares(treated, control)
        covered += difference.lower <= 0.03 <= difference.upper
    assert 0.935 <= covered / 2000 <= 0.97


def test_planned_sizes_are_believed_and_broken_ones_are_not():
    assert sample_ratio_p([1000, 1010], [0.5, 0.5]) == pytest.approx(
        stats.chisquare([1000, 1010]).pvalue
    )
    assert sample_ratio_p([900, 1100], [0.5, 0.5]) < 0.001
    assert sample_ratio_p([10], [1.0]) == 1.0
    assert sample_ratio_p([0, 0], [0.5, 0.5]) == 1.0
