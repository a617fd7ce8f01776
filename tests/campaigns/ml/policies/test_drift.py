"""A change of the world is heard within dozens of rewards; its noise is not."""

from math import log

import numpy as np
import pytest
from scipy.special import logit

from campaigns.ml.policies import drift


def rewards_until_alarm(ratios, *, patience=1e6):
    sums = np.zeros((2, 3))
    for count, news in enumerate(ratios, 1):
        if drift.is_alarm(sums, 1, news, patience=patience):
            assert not sums.any()
            return count
    return None


def shares(believed, true, size, *, seed=0):
    rng = np.random.default_rng(seed)
    return (drift.of_share(logit(believed), 0.05, float(one)) for one in rng.random(size) < true)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.3, 0.99])
def test_a_rate_that_holds_raises_no_alarm(rate):
    assert rewards_until_alarm(shares(rate, rate, 100_000)) is None


@pytest.mark.parametrize(("believed", "true"), [(0.8, 0.5), (0.5, 0.8), (0.05, 0.2)])
def test_a_change_is_heard_soon(believed, true):
    assert rewards_until_alarm(shares(believed, true, 1_000)) < 200


def test_false_alarms_keep_to_the_patience():
    """At a small patience, where alarms can be counted: at most one in so many rewards."""
    alarms, sums = 0, np.zeros((2, 1))
    for one in np.random.default_rng(1).random(60_000) < 0.2:
        alarms += drift.is_alarm(sums, 0, drift.of_share(logit(0.2), 0.0, float(one)), patience=200)
    assert 0 < alarms <= 2 * 60_000 / 200


def test_an_outlier_alone_is_no_change():
    first = drift.of_value(1e9, 0.1, 1.0)
    assert rewards_until_alarm([first]) is None
    assert first.max() < log(drift.PATIENCE) / 4


def test_what_is_uncertain_may_be_wrong_without_an_alarm():
    sure, unsure = (
        rewards_until_alarm(drift.of_value(-1.0, deviation, 1.0) for _ in range(500))
        for deviation in (0.05, 0.6)
    )
    assert sure < 50
    assert unsure is None
