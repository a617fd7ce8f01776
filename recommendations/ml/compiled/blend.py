"""The blend in the form in which it serves one customer: its compiled voices in one sum.

All voices of low rank together are one product of a matrix and a vector, as each is standardised
without its scores.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import blas

from recommendations.ml.compiled import Compiled, Factors, Heard, Row, compiled
from recommendations.ml.hybrid import Hybrid
from recommendations.ml.interactions import Interactions


@dataclass
class Said:
    """What all voices of a blend say to one row, as far as it was asked."""

    row: Row
    voices: dict[int, Compiled]
    heard: dict[int, Heard] = field(default_factory=dict)

    def of(self, number: int) -> Heard:
        if number not in self.heard:
            self.heard[number] = self.voices[number].hear(self.row)
        return self.heard[number]

    def tastes(self, number: int) -> np.ndarray:
        """(factors,) of a voice that has factors."""
        tastes = self.of(number).tastes
        assert tastes is not None
        return tastes

    def standardised(self, number: int, columns: np.ndarray) -> np.ndarray:
        """(columns,) what one voice says of some products, in deviations from its mean."""
        heard = self.of(number)
        if not heard.deviation:
            return np.zeros(len(columns))
        raw = self.voices[number].at(self.row, heard, columns)
        return np.asarray((raw - heard.mean) / heard.deviation)


class CompiledBlend:
    """The voices that are heard, compiled; made once when an artifact is opened."""

    def __init__(self, blend: Hybrid, *, products: int) -> None:
        self.voices = {number: compiled(voice) for number, voice in blend.voices().items()}
        self._products = products
        self._low = {n: one for n, one in self.voices.items() if isinstance(one, Factors)}
        stacked = [one.factors for one in self._low.values()]
        self._factors = np.ascontiguousarray(np.hstack(stacked)) if stacked else None

    def listen(self, row: Interactions) -> Said:
        """Ready to answer for this row; a voice speaks when it is first asked."""
        return Said(Row(row), self.voices)

    def score(self, said: Said, weights: np.ndarray) -> np.ndarray:
        """(products,) float32: what is said, standardised, summed by (voices,) weights."""
        share: dict[int, float] = {}
        for number in self.voices:
            if weights[number] > 0 and said.of(number).deviation > 0:
                share[number] = float(weights[number]) / said.of(number).deviation
        scores = self._low_rank(said, share)
        for number, part in share.items():
            made = said.of(number).scores
            if made is not None:
                blas.saxpy(made, scores, a=part)
        scores -= np.float32(sum(part * said.of(n).mean for n, part in share.items()))
        return scores

    def _low_rank(self, said: Said, share: dict[int, float]) -> np.ndarray:
        """All that is made of factors, in one product."""
        if self._factors is None or not share.keys() & self._low.keys():
            return np.zeros(self._products, dtype=np.float32)
        tastes = [
            share[number] * said.tastes(number) if number in share else one.nothing
            for number, one in self._low.items()
        ]
        return np.asarray(self._factors @ np.concatenate(tastes).astype(np.float32))
