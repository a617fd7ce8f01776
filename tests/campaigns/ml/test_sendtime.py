"""Send time: planted habits found, shrinkage by the data, errors at their rate."""

import numpy as np
import pytest

from campaigns.ml.sendtime import WEEK, Sends, SendTime, basis, hour_p
from tests.contracts import EstimatorContract

EVENING = (np.arange(24) >= 18) & (np.arange(24) <= 21)


def planted(*, users=600, sends=30, seed=0, everybody=0.0, own=0.0, hours=24, segments=1):
    """Sends at random hours, and (users, hours) true chances.

    everybody: what an evening adds; own: what the five hours about a person's (with segments: a
    segment's) favourite add.
    """
    rng = np.random.default_rng(seed)
    base = rng.beta(2, 8, users)
    user = np.repeat(np.arange(users), sends)
    hour = rng.integers(0, hours, len(user))
    segment = np.arange(users) % segments
    favourite = (
        rng.integers(0, hours, segments)[segment] if segments > 1 else rng.integers(0, hours, users)
    )
    away = np.abs(np.arange(hours)[None] - favourite[:, None])
    near = np.minimum(away, hours - away) <= 2
    chance = base[:, None] + everybody * np.tile(EVENING, hours // 24) + own * near
    opened = (rng.random(len(user)) < chance[user, hour]).astype(float)
    return Sends(user, hour, opened, segment, hours), chance


def share_of_gap(sends, chance):
    anytime = np.ones(chance.shape, dtype=bool)
    best = SendTime().fit(sends).best(anytime)
    won = chance[np.arange(len(chance)), best].mean() - chance.mean()
    return won / (chance.max(axis=1).mean() - chance.mean())


class TestContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return SendTime()

    @pytest.fixture
    def data(self):
        return planted(users=80, everybody=0.2)[0]

    def answer(self, estimator, data):
        return estimator.rates()


class TestFinds:
    def test_an_evening_that_is_good_for_all(self):
        assert share_of_gap(*planted(everybody=0.1)) > 0.8

    def test_the_habits_of_each(self):
        assert share_of_gap(*planted(own=0.25, sends=40)) > 0.4

    def test_the_habit_of_a_segment_from_few_sends_each(self):
        assert share_of_gap(*planted(own=0.15, sends=6, segments=4)) > 0.6

    def test_hours_of_the_week(self):
        sends, chance = planted(everybody=0.15, hours=WEEK)
        assert share_of_gap(sends, chance) > 0.7

    def test_who_opens_much_is_no_proof_of_their_hours(self):
        """The eager were written to at 9, the others at 18; 18 is the better hour for both."""
        rng = np.random.default_rng(0)
        user = np.repeat(np.arange(400), 40)
        eager = user % 2 == 0
        hour = np.where(rng.random(len(user)) < np.where(eager, 0.9, 0.1), 9, 18)
        chance = 0.1 + 0.4 * eager + 0.1 * (hour == 18)
        opened = (rng.random(len(user)) < chance).astype(float)
        fitted = SendTime().fit(Sends(user, hour, opened, np.zeros(400, dtype=int)))
        assert opened[hour == 9].mean() > opened[hour == 18].mean()
        assert fitted.curve_[18] > fitted.curve_[9]


def test_where_people_do_not_differ_their_own_sends_hardly_count():
    alike, _ = planted(everybody=0.1)
    unlike, _ = planted(own=0.25)
    own = [SendTime().fit(sends).users_ for sends in (alike, unlike)]
    wobble = [(curve - curve.mean(axis=1, keepdims=True)).std() for curve in own]
    assert wobble[0] < 0.25 * wobble[1]


def test_rates_are_nearer_to_the_truth_than_counts_are():
    sends, chance = planted(own=0.15)
    cell = sends.user * 24 + sends.hour
    seen = np.bincount(cell, minlength=chance.size)
    hits = np.bincount(cell, weights=sends.opened, minlength=chance.size)
    raw = np.where(seen > 0, hits / np.maximum(seen, 1), sends.opened.mean()).reshape(-1, 24)
    fitted = SendTime().fit(sends).rates()
    assert ((fitted - chance) ** 2).mean() < 0.15 * ((raw - chance) ** 2).mean()


class TestAllowedHours:
    def test_only_they_are_chosen(self):
        sends, _ = planted(everybody=0.2)
        allowed = np.zeros((sends.users, 24), dtype=bool)
        allowed[:, 8:12] = True
        best = SendTime().fit(sends).best(allowed)
        assert set(best) <= {8, 9, 10, 11}
        assert SendTime().fit(sends).stranger(allowed[0]) in (8, 9, 10, 11)

    def test_of_equal_hours_the_usual_one_is_kept(self):
        user, hour = np.repeat(np.arange(50), 4), np.tile([9, 9, 9, 15], 50)
        opened = np.tile([1.0, 0.0, 0.5, 0.5], 50)
        fitted = SendTime().fit(Sends(user, hour, opened, np.zeros(50, dtype=int)))
        fitted.curve_ = np.zeros(24)
        fitted.segments_, fitted.users_ = np.zeros((1, 24)), np.zeros((50, 24))
        assert set(fitted.best(np.ones((50, 24), dtype=bool))) == {9}
        assert fitted.stranger(np.ones(24, dtype=bool)) == 9


@pytest.mark.parametrize("hours", [24, WEEK])
def test_waves_are_orthonormal(hours):
    waves, length = basis(hours)
    assert waves.T @ waves == pytest.approx(np.eye(len(length)), abs=1e-9)


class TestDoesTheHourMatter:
    @pytest.mark.parametrize("effect", [{"everybody": 0.1}, {"own": 0.2}])
    def test_yes(self, effect):
        assert hour_p(planted(**effect)[0], rng=np.random.default_rng(0)) <= 0.02

    def test_hardly_ever_where_it_does_not(self):
        """80 placebos: 10 or fewer at the level of 5 % (99.7 %); more in the bench."""
        p_values = [
            hour_p(planted(users=60, sends=12, seed=seed)[0], rng=np.random.default_rng(seed))
            for seed in range(80)
        ]
        assert np.sum(np.array(p_values) < 0.05) <= 10
        assert 0.35 < np.mean(p_values) < 0.65

    def test_not_because_the_eager_were_written_to_at_their_own_hours(self):
        rng = np.random.default_rng(2)
        user = np.repeat(np.arange(300), 20)
        eager = user % 2 == 0
        hour = np.where(eager, rng.integers(6, 12, len(user)), rng.integers(12, 20, len(user)))
        opened = (rng.random(len(user)) < 0.1 + 0.4 * eager).astype(float)
        sends = Sends(user, hour, opened, np.zeros(300, dtype=int))
        assert hour_p(sends, rng=rng) > 0.05
