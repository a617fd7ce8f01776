"""Clicks are foretold nearly as well as by who knows the truth, and honestly."""

import json

import numpy as np
import pytest

from campaigns.ml.click import Click, Levels
from campaigns.ml.crosses import Crosses
from campaigns.ml.factorisation import Factorisation
from crm.ml.estimator import State
from tests.campaigns.ml.impressions import Impressions, loss
from tests.contracts import EstimatorContract

SMALL = Impressions.made(4_000, seed=5)


class TestContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return Click()

    @pytest.fixture
    def data(self):
        return SMALL

    def fit(self, estimator, data):
        return estimator.fit(data.table, data.clicks)

    def answer(self, estimator, data):
        return estimator.predict(data.table)


def test_state_goes_through_json():
    fitted = Click().fit(SMALL.table, SMALL.clicks)
    state = fitted.state()
    again = Click.from_state(State(state.arrays, json.loads(json.dumps(state.settings))))
    assert np.array_equal(again.predict(SMALL.table), fitted.predict(SMALL.table))


class TestQuality:
    @pytest.fixture(scope="class", params=[True, False], ids=["likes", "tables"])
    def halves(self, request):
        world = Impressions.made(
            180_000, seed=3, likes=request.param, size=0.6 if request.param else 0.3
        )
        return world.part(0, 120_000), world.part(120_000, None)

    def test_most_of_what_pairs_say_is_found(self, halves):
        train, test = halves
        codes = Levels().fit(train.table)
        alone = Crosses(codes.sizes, sweeps=0).fit(
            codes.codes(train.table), train.clicks, np.zeros(len(train.clicks))
        )
        plain = 1 / (1 + np.exp(-alone.margin(codes.codes(test.table))))
        found = Click().fit(train.table, train.clicks).predict(test.table)
        extra = loss(found, test.clicks, expected=test.chances) - test.bayes
        assert extra < 0.6 * (loss(plain, test.clicks, expected=test.chances) - test.bayes)
        assert 0.98 < found.mean() / test.chances.mean() < 1.02

    def test_it_is_calibrated_in_every_tenth(self, halves):
        train, test = halves
        found = Click().fit(train.table, train.clicks).predict(test.table)
        for tenth in np.array_split(np.argsort(found), 10)[2:]:
            assert found[tenth].mean() == pytest.approx(test.chances[tenth].mean(), rel=0.1)


def test_what_is_not_there_is_not_found():
    """Clicks by luck alone: nothing but their rate is left."""
    rng = np.random.default_rng(0)
    clicks = (rng.random(40_000) < 0.1).astype(float)
    table = {name: rng.integers(0, 50, 40_000).astype(str) for name in "abcd"}
    assert Click().fit(table, clicks).predict(table).std() < 0.01


class TestLevels:
    def test_rare_and_unseen_levels_share_a_number(self):
        levels = Levels().fit({"a": np.array(["x"] * 20 + ["y"] * 3, dtype=object)})
        assert levels.codes({"a": np.array(["x", "y", "z", ""])}).tolist() == [[1, 0, 0, 0]]

    def test_a_blank_is_a_level(self):
        levels = Levels().fit({"a": np.array(["x"] * 20 + [""] * 20, dtype=object)})
        assert len(set(levels.codes({"a": np.array(["x", "", "z"])})[0].tolist())) == 3

    def test_unseen_levels_get_a_sober_chance(self):
        fitted = Click().fit(SMALL.table, SMALL.clicks)
        new = {name: np.array(["never seen"]) for name in SMALL.table}
        assert 0.3 * SMALL.clicks.mean() < fitted.predict(new)[0] < 3 * SMALL.clicks.mean()

    def test_an_identifier_in_every_row_does_no_harm(self):
        table = SMALL.table | {"id": np.arange(4_000).astype(str)}
        with_it = Click().fit(table, SMALL.clicks).predict(table)
        without = Click().fit(SMALL.table, SMALL.clicks).predict(SMALL.table)
        assert np.corrcoef(with_it, without)[0, 1] > 0.97


class TestCrosses:
    def test_an_exclusive_or_is_found(self):
        rng = np.random.default_rng(1)
        codes = rng.integers(0, 2, (2, 20_000)).astype(np.int32)
        clicks = (rng.random(20_000) < np.where(codes[0] ^ codes[1], 0.6, 0.1)).astype(float)
        fitted = Crosses([2, 2], sweeps=4).fit(codes, clicks, np.zeros(20_000))
        chance = 1 / (1 + np.exp(-fitted.margin(np.array([[0, 0, 1], [0, 1, 0]]))))
        assert chance == pytest.approx([0.1, 0.6, 0.6], abs=0.03)

    def test_cells_beyond_the_limit_are_hashed(self):
        rng = np.random.default_rng(2)
        codes = rng.integers(0, 3_000, (2, 5_000)).astype(np.int32)
        clicks = (rng.random(5_000) < 0.2).astype(float)
        fitted = Crosses([3_000, 3_000], sweeps=1).fit(codes, clicks, np.zeros(5_000))
        assert len(fitted.effects_) == 2 * 3_000 + 2**20
        assert np.isfinite(fitted.margin(codes)).all()

    def test_of_very_many_pairs_the_telling_one_is_kept(self):
        rng = np.random.default_rng(3)
        codes = rng.integers(0, 4, (14, 12_000)).astype(np.int32)
        clicks = (rng.random(12_000) < np.where(codes[3] == codes[9], 0.5, 0.1)).astype(float)
        fitted = Crosses([4] * 14, sweeps=1).fit(codes, clicks, np.zeros(12_000))
        assert [3, 9] in fitted.parts_.tolist()
        assert len(fitted.parts_) == 14 + 60


def test_factors_tell_pairs_that_never_met():
    """One factor; a tenth of the pairs of levels is missing from the training rows."""
    rng = np.random.default_rng(4)
    factors = [rng.choice([-1.5, 1.5], 20) for _ in range(2)]
    codes = rng.integers(0, 20, (2, 60_000)).astype(np.int32)
    chance = 1 / (1 + np.exp(1.0 - factors[0][codes[0]] * factors[1][codes[1]]))
    clicks = (rng.random(60_000) < chance).astype(float)
    missing = (codes[0] + codes[1]) % 10 == 0
    fitted = Factorisation([20, 20], rank=2, sweeps=6).fit(
        np.ascontiguousarray(codes[:, ~missing]), clicks[~missing], np.full((~missing).sum(), -1.0)
    )
    found = 1 / (1 + np.exp(1.0 - fitted.margin(codes[:, missing])))
    assert np.corrcoef(found, chance[missing])[0, 1] > 0.95
