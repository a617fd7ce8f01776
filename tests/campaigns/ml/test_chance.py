import numpy as np
import pytest

from campaigns.ml.chance import draw, unit


def test_the_same_arguments_draw_the_same_number():
    assert unit(b"s", "campaign-1", "7") == unit(b"s", "campaign-1", "7")


def test_another_secret_campaign_or_customer_draws_another():
    numbers = {
        unit(b"s", "campaign-1", "7"),
        unit(b"t", "campaign-1", "7"),
        unit(b"s", "campaign-2", "7"),
        unit(b"s", "campaign-1", "8"),
    }
    assert len(numbers) == 4


def test_numbers_are_uniform_and_campaigns_independent():
    one, two = (
        np.array([unit(b"s", f"campaign-{c}", str(i)) for i in range(20_000)]) for c in (1, 2)
    )
    assert one.min() >= 0
    assert one.max() < 1
    counts = np.histogram(one, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 45  # chi-square with 19 degrees, p > .0005
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_arms_come_in_the_shares_that_were_planned():
    arms = [draw(n, holdout=0.2, weights=[1, 3]).arm for n in np.linspace(0, 1, 10_000, False)]
    assert arms.count(None) == 2000
    assert abs(arms.count(0) - 2000) <= 1
    assert abs(arms.count(1) - 6000) <= 1


def test_propensities_are_exact_and_sum_to_one():
    chances = {
        draw(n, holdout=0.1, weights=[2, 1]).propensity for n in np.linspace(0, 1, 999, False)
    }
    assert sorted(chances) == pytest.approx([0.1, 0.3, 0.6])


def test_without_a_holdout_everybody_gets_an_arm():
    assert {draw(n, holdout=0, weights=[1]).arm for n in (0.0, 0.5, 1 - 2**-53)} == {0}


@pytest.mark.parametrize(("holdout", "weights"), [(1, [1]), (-0.1, [1]), (0.1, []), (0.1, [1, 0])])
def test_impossible_shares_are_refused(holdout, weights):
    with pytest.raises(ValueError, match="holdout"):
        draw(0.5, holdout=holdout, weights=weights)
