"""Chances that come true as often as they say."""

import json

import numpy as np
import pytest

from chatbot.ml.calibration import Calibration
from crm.ml.evaluation import calibration_error


def said(rows, seed, clear=0.7):
    """Scores of which a part are clear and the rest is luck: no one temperature fits both."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(5, size=rows)
    scores = rng.normal(size=(rows, 5))
    scores[np.arange(rows), truth] += np.where(rng.random(rows) < clear, 3.5, 0.5)
    return 2 * scores, truth


def error(calibration, scores, truth):
    chances = calibration.chances(scores)
    right = (chances.argmax(axis=1) == truth).astype(float)
    return calibration_error(chances.max(axis=1), right)


@pytest.fixture(scope="module")
def fitted():
    return Calibration().fit(*said(4_000, 0))


def test_on_new_messages_it_is_as_sure_as_it_is_right(fitted):
    plain = Calibration(mends=False).fit(*said(4_000, 0))
    new = said(4_000, 1)
    assert error(fitted, *new) < 0.02
    assert error(fitted, *new) < error(plain, *new)


def test_chances_sum_to_one_and_keep_their_order(fitted):
    scores, _ = said(500, 2)
    chances = fitted.chances(scores)
    assert np.allclose(chances.sum(axis=1), 1)
    assert ((chances >= 0) & (chances <= 1)).all()
    assert (np.argsort(chances, axis=1)[:, -2:] == np.argsort(scores, axis=1)[:, -2:]).all()


def test_what_leads_by_more_is_surer(fitted):
    lead = np.linspace(0, 10, 50)
    scores = np.column_stack([lead, np.zeros(50), np.zeros(50)])
    sure = fitted.chances(scores)[1:, 0]
    assert (np.diff(sure) >= -1e-9).all()


@pytest.mark.parametrize("scores", [np.zeros((1, 5)), np.full((1, 5), -1e6), np.eye(5)[:1] * 1e6])
def test_odd_scores_have_chances_too(fitted, scores):
    chances = fitted.chances(scores)
    assert np.isfinite(chances).all()
    assert chances.sum() == pytest.approx(1)


@pytest.mark.parametrize("always", ["right", "wrong"])
def test_where_nothing_can_be_learned_nothing_is_mended(always):
    truth = np.arange(20) % 4
    scores = np.eye(4)[truth if always == "right" else (truth + 1) % 4]
    assert Calibration().fit(scores, truth).slopes_ == (1.0, 1.0, 0.0)


def test_it_survives_being_written_down(fitted):
    again = Calibration.from_settings(json.loads(json.dumps(fitted.settings())))
    scores, _ = said(50, 3)
    assert np.array_equal(again.chances(scores), fitted.chances(scores))
