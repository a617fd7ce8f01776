"""The figures of chances: those of scikit-learn where it has them, sane at the edges."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from crm.ml import judging


@pytest.fixture
def chances():
    rng = np.random.default_rng(0)
    chance = rng.random(2000).round(2)
    return (rng.random(2000) < chance).astype(int), chance


class TestFigures:
    def test_ranking_is_that_of_scikit_learn_with_ties(self, chances):
        assert judging.auc(*chances) == pytest.approx(roc_auc_score(*chances), abs=1e-12)
        assert judging.average_precision(*chances) == pytest.approx(
            average_precision_score(*chances), abs=1e-12
        )

    def test_true_chances_are_calibrated_and_doubled_ones_are_not(self, chances):
        target, chance = chances
        assert judging.calibration_error(target, chance) < 0.03
        assert judging.calibration_error(target, np.minimum(chance * 2, 1)) > 0.2

    def test_the_best_tenth_holds_more(self, chances):
        assert 1.6 < judging.lift(*chances) <= 2.1

    @pytest.mark.parametrize("label", [0, 1])
    def test_one_label_alone_has_no_ranking(self, label):
        target, chance = np.full(5, label), np.linspace(0, 1, 5)
        assert judging.quality(target, chance)["auc"] == 0.5

    def test_tenths_rise_and_their_intervals_hold_the_rate(self, chances):
        tenths = judging.by_tenths(*chances)
        assert len(tenths) == 10
        assert sum(tenth["rows"] for tenth in tenths) == 2000
        assert tenths[0]["expected"] < tenths[-1]["expected"]
        assert all(tenth["lower"] <= tenth["rate"] <= tenth["upper"] for tenth in tenths)

    def test_fewer_than_ten_rows_have_fewer_groups(self):
        assert len(judging.by_tenths(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.9]))) == 3


class TestStability:
    def test_the_same_sample_is_stable_and_a_moved_one_is_not(self):
        rng = np.random.default_rng(1)
        before, same = rng.normal(size=(2, 3000))
        assert judging.stability(before, same) < 0.05
        assert judging.stability(before, same + 2) > judging.DRIFTED

    def test_blanks_and_levels_count_too(self):
        full, blank = np.arange(100.0), np.full(100, np.nan)
        assert judging.stability(full, blank) > 1
        assert judging.stability(np.zeros(100), np.ones(100), levels=2) > 1
        assert judging.stability(blank, blank) == 0.0
