"""Credit: by hand for every model, and nothing made or lost by any."""

import numpy as np
import pytest

from campaigns.ml.attribution import Paths, attribute, removal_effects

A, B, C = 0, 1, 2


def paths(*journeys, channels=3):
    """Each: (channels in turn, days before the end, revenue or None where it did not convert)."""
    return Paths(
        journey=np.array([n for n, (path, _, _) in enumerate(journeys) for _ in path], dtype=int),
        channel=np.array([one for path, _, _ in journeys for one in path], dtype=int),
        age=np.array([day for _, ages, _ in journeys for day in ages], dtype=float),
        converted=np.array([money is not None for _, _, money in journeys]),
        revenue=np.array([money or 0.0 for _, _, money in journeys]),
        channels=channels,
    )


def many(seed=0, journeys=300, channels=5):
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(journeys):
        length = rng.integers(0, 7)
        ages = np.sort(rng.uniform(0, 40, length))[::-1]
        money = float(rng.integers(0, 200)) if rng.random() < 0.4 else None
        made.append((rng.integers(0, channels, length), ages, money))
    return paths(*made, channels=channels)


@pytest.mark.parametrize(
    ("model", "shares"),
    [
        ("first", [1, 0, 0]),
        ("last", [0, 0, 1]),
        ("linear", [1 / 4, 1 / 2, 1 / 4]),
        ("position", [0.4, 0.2, 0.4]),
        ("time_decay", [1 / 13, 4 / 13, 8 / 13]),  # 1 : 2 + 2 : 8
    ],
)
def test_one_journey_by_hand(model, shares):
    ages = [21, 14, 14, 0]
    credit = attribute(paths(([A, B, B, C], ages, 80.0)))[model]
    assert credit.conversions == pytest.approx([*shares, 0])
    assert credit.revenue == pytest.approx([*(80 * np.asarray(shares)), 0])


@pytest.mark.parametrize("model", ["first", "last", "linear", "position", "time_decay", "markov"])
def test_one_touch_has_all_of_it(model):
    credit = attribute(paths(([B], [900], 10.0)))[model]
    assert credit.conversions == pytest.approx([0, 1, 0, 0])


def test_two_touches_share_by_position_alike():
    credit = attribute(paths(([A, C], [3, 1], 10.0)))["position"]
    assert credit.conversions == pytest.approx([0.5, 0, 0.5, 0])


def test_touches_long_ago_are_not_lost_to_rounding():
    """A half-life of a week leaves nothing of 30 years, but between themselves they differ."""
    credit = attribute(paths(([A, B], [10_007, 10_000], 1.0)))["time_decay"]
    assert credit.conversions == pytest.approx([1 / 3, 2 / 3, 0, 0])


@pytest.mark.parametrize("seed", range(5))
def test_every_model_adds_up_to_what_happened(seed):
    made = many(seed)
    assert made.is_untouched.any()
    for credit in attribute(made).values():
        assert credit.conversions.sum() == pytest.approx(made.converted.sum())
        assert credit.revenue.sum() == pytest.approx(made.revenue.sum())
        assert credit.conversions.min() >= 0
        assert credit.conversions[-1] == made.is_untouched.sum()


class TestMarkov:
    def test_by_hand(self):
        """A, B: buys. A: does not. B: buys. Without A only the last is left of two; without B none."""
        effects = removal_effects(
            paths(([A, B], [2, 1], 1.0), ([A], [1], None), ([B], [1], 1.0), channels=2)
        )
        assert effects == pytest.approx([0.5, 1.0])

    def test_the_same_as_taking_each_channel_out_and_solving_again(self):
        made = many(7)
        assert removal_effects(made) == pytest.approx(by_removal(made), abs=1e-12)

    def test_the_same_channel_twice_in_a_row_changes_nothing(self):
        once = paths(([A, B], [2, 1], 1.0), ([B], [1], None), channels=2)
        twice = paths(([A, A, B, B], [4, 3, 2, 1], 1.0), ([B, B], [2, 1], None), channels=2)
        assert removal_effects(twice) == pytest.approx(removal_effects(once))

    def test_a_channel_of_those_who_never_buy_gets_none(self):
        made = paths(([A], [1], 5.0), ([C, C], [2, 1], None))
        assert attribute(made)["markov"].conversions == pytest.approx([1, 0, 0, 0])

    def test_who_does_not_buy_counts(self):
        """Both went before the same sales; B also before many that did not come."""
        sold = [([A], [1], 1.0), ([B], [1], 1.0), ([B, A], [2, 1], 1.0)]
        lost = [([B, A], [2, 1], None)] * 9
        without, with_them = (removal_effects(paths(*some)) for some in (sold, sold + lost))
        assert with_them[B] / with_them[A] != pytest.approx(without[B] / without[A])

    def test_nothing_sold_is_shared_out_as_nothing(self):
        credit = attribute(paths(([A, B], [2, 1], None)))["markov"]
        assert credit.conversions.tolist() == [0, 0, 0, 0]

    def test_no_touch_at_all(self):
        credit = attribute(paths(([], [], 7.0), channels=0))["markov"]
        assert (credit.conversions.tolist(), credit.revenue.tolist()) == ([1], [7])


def by_removal(made):
    """The textbook way: walk the chain with one channel leading nowhere."""
    size = made.channels
    start, win = size, size + 1
    counts = np.zeros((size + 2, size + 3))
    for number in range(len(made.converted)):
        path = [start, *made.channel[made.journey == number].tolist()]
        if len(path) == 1:
            continue
        for here, there in zip(path, path[1:], strict=False):
            counts[here, there] += 1
        counts[path[-1], win if made.converted[number] else size + 2] += 1
    chances = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def wins(without=None):
        at, won = np.zeros(size + 1), 0.0
        at[start] = 1.0
        for _ in range(2_000):
            moved = at @ chances[: size + 1]
            if without is not None:
                moved[without] = 0.0
            won += moved[win]
            at = np.append(moved[:size], 0.0)
        return won

    return np.array([1 - wins(channel) / wins() for channel in range(size)])
