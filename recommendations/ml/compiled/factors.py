"""Voices of factors: scores are never made to standardise them, mean and covariance tell."""

import numpy as np

from recommendations.ml.compiled.voice import Heard, Row
from recommendations.ml.factors import ImplicitFactors, TruncatedSvd, solved


class Factors:
    """ALS, BPR and the truncated SVD: tastes times the factors of the products.

    factors: (products, factors) float32, such that scores are factors @ tastes.
    """

    factors: np.ndarray

    def _look(self) -> None:
        whole = self.factors.astype(float)
        self._mean = whole.mean(axis=0)
        self._covariance = np.cov(whole, rowvar=False, bias=True).reshape(whole.shape[1], -1)

    @property
    def nothing(self) -> np.ndarray:
        return np.zeros(self.factors.shape[1])

    def tastes(self, row: Row) -> np.ndarray:
        raise NotImplementedError

    def hear(self, row: Row) -> Heard:
        tastes = self.tastes(row)
        variance = max(float(tastes @ self._covariance @ tastes), 0.0)
        return Heard(float(self._mean @ tastes), variance**0.5, tastes=tastes)

    def at(self, row: Row, heard: Heard, columns: np.ndarray) -> np.ndarray:
        return np.asarray(self.factors[columns] @ heard.tastes)


class FoldedIn(Factors):
    """Implicit factors: tastes by least squares, on a ground that is the same for everybody."""

    def __init__(self, voice: ImplicitFactors) -> None:
        self.voice = voice
        self._settings = (voice.half_life, 0.5, voice.fading)
        self.factors = np.ascontiguousarray(voice.products_, dtype=np.float32)
        whole = self.factors.astype(float)
        self._ground = whole.T @ whole + voice.l2 * np.eye(whole.shape[1])
        self._look()

    def tastes(self, row: Row) -> np.ndarray:
        mine, asked, left = row.once(self, "normal", self._normal)
        return solved(left, mine.T @ asked)

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        mine, asked, left = row.once(self, "normal", self._normal)
        seen_by = solved(left, self.factors[columns].astype(float).T)
        return np.asarray((mine @ seen_by) * asked[:, None])

    def _normal(self, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mine = self.factors[row.columns].astype(float)
        weights = row.weights(*self._settings)
        trust, asked = self.voice.confidence(weights)
        return mine, asked, self._ground + (mine.T * trust) @ mine


class Projected(Factors):
    """The truncated SVD: a row projected on the leading directions and back."""

    def __init__(self, voice: TruncatedSvd) -> None:
        self.voice: TruncatedSvd = voice
        self._settings = (voice.half_life, 0.5, voice.fading)
        self.factors = (voice.directions_ / voice.scale_[:, None]).astype(np.float32)
        self._look()

    def tastes(self, row: Row) -> np.ndarray:
        return np.asarray(self._scaled(row) @ self.voice.directions_[row.columns])

    def pieces(self, row: Row, columns: np.ndarray) -> np.ndarray:
        mine = self.voice.directions_[row.columns] * self._scaled(row)[:, None]
        return np.asarray(mine @ self.factors[columns].T)

    def _scaled(self, row: Row) -> np.ndarray:
        return (
            row.weights(self.voice.half_life, 0.5, self.voice.fading)
            * self.voice.scale_[row.columns]
        )
