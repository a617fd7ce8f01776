"""Fairness: fairlearn's numbers, intervals that hold, alarms at their rate."""

import numpy as np
import pytest

from campaigns.ml.fairness import (
    Group,
    audit,
    by_group,
    homogeneity_p,
    largest_difference,
    p_of_luck,
    ratio_of_shares,
    smallest_ratio,
)
from campaigns.ml.lift import Share


def decisions(*, rows=1_000, groups=2, selected=(), seed=0, found=0.7, mistaken=0.2):
    """Who should be selected is a coin; of them `found` are, of the others `mistaken`.

    selected: by group, what is added to both chances.
    """
    rng = np.random.default_rng(seed)
    place = rng.integers(0, groups, rows)
    truth = rng.integers(0, 2, rows)
    extra = np.zeros(groups)
    extra[: len(selected)] = selected
    chance = np.where(truth, found, mistaken) + extra[place]
    taken = rng.random(rows) < chance
    return place.astype(str), truth, np.where(taken, 0.9, 0.1)


@pytest.mark.parametrize("seed", range(6))
def test_values_are_fairlearns(seed):
    metrics = pytest.importorskip("fairlearn.metrics")
    group, truth, chance = decisions(groups=2 + seed, selected=(0.1,), rows=300, seed=seed)
    found = audit(group, truth, chance)
    said = {"y_true": truth, "y_pred": chance >= 0.5}
    frame = metrics.MetricFrame(
        metrics={
            "selected": metrics.selection_rate,
            "right": metrics.true_positive_rate,
            "wrong": metrics.false_positive_rate,
        },
        sensitive_features=group,
        **said,
    )
    for name, one in found.groups.items():
        for rate, expected in frame.by_group.loc[name].items():
            assert getattr(one, rate).rate == pytest.approx(expected, abs=1e-9)
    said["sensitive_features"] = group
    for ours, theirs in (
        (found.demographic_parity_difference, metrics.demographic_parity_difference),
        (found.disparate_impact_ratio, metrics.demographic_parity_ratio),
        (found.equalized_odds_difference, metrics.equalized_odds_difference),
    ):
        assert ours.value == pytest.approx(theirs(**said), abs=1e-9)
        assert ours.lower <= ours.value <= ours.upper


def test_precision_is_of_those_selected():
    truth, decided = np.array([1, 1, 0, 0, 0], bool), np.array([1, 0, 1, 1, 0], bool)
    group = Group.of(truth, decided)
    rates = [one.rate for one in (group.selected, group.right, group.wrong, group.precise)]
    assert rates == pytest.approx([3 / 5, 1 / 2, 2 / 3, 1 / 3])


def test_a_planted_unfairness_is_flagged():
    found = audit(*decisions(selected=(0.0, -0.15)))
    assert set(found.alarms) == {"selection_rate", "tpr", "fpr"}
    assert found.demographic_parity_difference.lower > 0
    assert found.disparate_impact_ratio.upper < 1
    assert found.equalized_odds_difference.lower > 0


def test_a_decision_that_errs_more_with_one_group_is_flagged_though_it_selects_alike():
    rng = np.random.default_rng(3)
    group, truth = rng.integers(0, 2, 4_000).astype(str), rng.integers(0, 2, 4_000)
    sharp = np.where(group == "0", 0.9, 0.6)
    taken = rng.random(4_000) < np.where(truth == 1, sharp, 1 - sharp)
    found = audit(group, truth, np.where(taken, 1.0, 0.0))
    assert set(found.alarms) == {"tpr", "fpr"}
    assert found.equalized_odds_difference.lower > 0.2
    assert found.demographic_parity_difference.lower == 0


@pytest.mark.parametrize(("groups", "rows"), [(2, 400), (4, 400), (3, 60)])
def test_a_fair_decision_alarms_one_time_in_twenty(groups, rows):
    """300 audits: 27 or fewer at 5 % (99.8 %), thin groups too."""
    alarms = 0
    for seed in range(300):
        group, truth, chance = decisions(groups=groups, rows=rows, seed=seed)
        p_values = p_of_luck(by_group(group, truth, chance >= 0.5).values(), seed=seed)
        alarms += min(p_values.values()) < 0.05
    assert alarms <= 27


@pytest.mark.parametrize("rates", [(0.3, 0.3), (0.3, 0.5), (0.1, 0.12, 0.2), (0.6, 0.6, 0.6, 0.6)])
def test_intervals_hold_the_truth_19_times_in_20(rates):
    rng = np.random.default_rng(0)
    held = {"difference": 0, "ratio": 0}
    for _ in range(400):
        shares = [Share(int(rng.binomial(150, rate)), 150) for rate in rates]
        low, high = largest_difference([shares])
        held["difference"] += low <= max(rates) - min(rates) <= high
        low, high = smallest_ratio(shares)
        held["ratio"] += low <= min(rates) / max(rates) <= high
    assert min(held.values()) >= 0.925 * 400


def test_the_ratio_of_shares_is_the_same_seen_from_either_side():
    one, other = Share(30, 100), Share(45, 90)
    low, high = ratio_of_shares(one, other)
    assert ratio_of_shares(other, one) == pytest.approx((1 / high, 1 / low))
    assert low < (30 / 100) / (45 / 90) < high


def test_a_group_of_whom_none_is_selected_has_a_ratio_of_nothing():
    low, high = smallest_ratio([Share(0, 50), Share(25, 50)])
    assert low == 0.0
    assert 0 < high < 0.5


def test_where_nobody_is_selected_there_is_no_ratio():
    group, truth, chance = decisions()
    found = audit(group, truth, np.zeros_like(chance))
    assert found.disparate_impact_ratio.value is None
    assert found.demographic_parity_difference.value == 0
    assert found.alarms == []


def test_a_group_without_anybody_to_select_has_no_rate_and_is_left_out():
    group, truth, chance = decisions(groups=3)
    truth = np.where(group == "2", 0, truth)
    found = audit(group, truth, chance)
    assert found.groups["2"].right.size == 0
    assert found.equalized_odds_difference.value < 0.2


def test_thin_tables_are_judged_by_drawing():
    """Fisher's exact 3/3 against 0/3: one in ten."""
    assert homogeneity_p([Share(3, 3), Share(0, 3)], seed=0) == pytest.approx(0.1, abs=0.01)
