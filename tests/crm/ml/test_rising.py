"""Trends: what grew is found, what is noise is not."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from crm.ml.rising import changes


def test_a_clear_rise_is_found_and_says_how_much():
    (change,) = changes(np.array([30]), np.array([40]), of_now=100, of_before=800)
    assert change.p < 1e-6
    assert change.times == pytest.approx(6)


def test_a_fall_is_no_rise():
    (change,) = changes(np.array([1]), np.array([400]), of_now=100, of_before=800)
    assert change.p == pytest.approx(1.0)


def test_one_test_alone_is_fishers():
    (change,) = changes(np.array([7]), np.array([20]), of_now=50, of_before=400)
    assert change.p == pytest.approx(fisher_exact([[7, 43], [20, 380]], "greater").pvalue)


def test_noise_is_called_a_trend_at_most_one_week_in_twenty():
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(300):
        shares = rng.uniform(0.01, 0.3, size=24)
        now, before = rng.binomial(120, shares), rng.binomial(960, shares)
        false += any(c.p < 0.05 for c in changes(now, before, of_now=120, of_before=960))
    assert false / 300 <= 0.05


def test_the_more_is_looked_at_the_more_must_be_shown():
    alone = changes(np.array([8]), np.array([20]), of_now=50, of_before=400)[0]
    among = changes(np.array([8] + [2] * 30), np.array([20] + [16] * 30), of_now=50, of_before=400)
    assert among[0].p > alone.p


def test_nothing_said_is_nothing_tested():
    assert changes(np.zeros(0), np.zeros(0), of_now=0, of_before=0) == []
    (never,) = changes(np.array([0]), np.array([0]), of_now=10, of_before=0)
    assert never.times is None
    assert never.p == 1.0
