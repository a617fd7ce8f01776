"""From scores to chances that come true as often as they say."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from scipy.special import expit, logsumexp

LEAST = 1e-4


class Calibration:
    """One temperature for all scores; then the best chance is mended by itself.

    One temperature cannot be right for messages that are clear and for those that are not. Beta
    calibration (Kull, Silva Filho and Flach 2017) has three numbers for that, where `mends`; the
    others share what is left in proportion, so that their order stays.
    """

    def __init__(self, *, mends: bool = True) -> None:
        self.mends = mends

    def fit(self, scores: np.ndarray, truth: np.ndarray) -> Self:
        """scores: (rows, labels) of messages that were not fitted on; truth: (rows,) labels."""
        self.temperature_ = _temperature(scores, truth)
        self.slopes_ = (1.0, 1.0, 0.0)
        if self.mends:
            chances = softmax(scores * self.temperature_)
            right = chances.argmax(axis=1) == truth
            self.slopes_ = _beta(chances.max(axis=1), right)
        return self

    def chances(self, scores: np.ndarray) -> np.ndarray:
        """(rows, labels) that sum to one a row."""
        chances = softmax(scores * self.temperature_)
        if self.slopes_ == (1.0, 1.0, 0.0):
            return chances
        rows, best = np.arange(len(chances)), chances.argmax(axis=1)
        before = np.clip(chances[rows, best], LEAST, 1 - LEAST)
        second = np.where(np.arange(chances.shape[1]) == best[:, None], 0, chances).max(axis=1)
        rest = np.maximum(1 - before, LEAST)
        # The best stays the best: it has at least what the second then has.
        least = second / (rest + second) + 1e-9
        after = np.maximum(expit(_lines(before) @ np.array(self.slopes_)), least)
        chances *= ((1 - after) / rest)[:, None]
        chances[rows, best] = after
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    def settings(self) -> dict[str, Any]:
        return {"temperature": self.temperature_, "slopes": list(self.slopes_)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        calibration = cls()
        calibration.temperature_ = float(settings["temperature"])
        a, b, c = settings["slopes"]
        calibration.slopes_ = (float(a), float(b), float(c))
        return calibration

    temperature_: float
    slopes_: tuple[float, float, float]


def softmax(scores: np.ndarray) -> np.ndarray:
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    from scipy import optimize  # 20 MB, needed for fitting only

    def loss(log_t: float) -> float:
        scaled = scores * np.exp(log_t)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]))

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-2, 4), method="bounded").x))


def _lines(chances: np.ndarray) -> np.ndarray:
    return np.column_stack([np.log(chances), -np.log1p(-chances), np.ones(len(chances))])


def _beta(sure: np.ndarray, right: np.ndarray) -> tuple[float, float, float]:
    """Slopes of both ends and the level; both slopes stay positive, so more sure stays so."""
    from scipy import optimize

    if right.all() or not right.any():
        return (1.0, 1.0, 0.0)
    lines = _lines(np.clip(sure, LEAST, 1 - LEAST))

    def loss(slopes: np.ndarray) -> tuple[float, np.ndarray]:
        score = lines @ slopes
        off = slopes - (1, 1, 0)  # a little drawn to leaving everything as it is
        value = np.logaddexp(0, np.where(right, -score, score)).sum() + 0.1 * off @ off
        return float(value), lines.T @ (expit(score) - right) + 0.2 * off

    bounds = [(0.02, 50), (0.02, 50), (-20, 20)]
    found = optimize.minimize(loss, np.array([1.0, 1.0, 0.0]), jac=True, bounds=bounds)
    a, b, c = found.x.tolist()
    return (a, b, c)
