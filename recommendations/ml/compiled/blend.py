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
from recommendations.ml.nearest import Nearest

CANDIDATES = 1_000  # by the index, and as many by the other voices
NO_INDEX = np.zeros(0, dtype=np.uint8)


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
    """The voices that are heard, compiled; made once when an artifact is opened.

    index: of `indexed`, which a very large catalogue has. There the factors of no more than the
    candidates are read: what is nearest by the index, and what the other voices say most to.
    """

    def __init__(self, blend: Hybrid, *, products: int, index: np.ndarray | None = None) -> None:
        self.voices = {number: compiled(voice) for number, voice in blend.voices().items()}
        self._products = products
        self._low = {n: one for n, one in self.voices.items() if isinstance(one, Factors)}
        stacked = [one.factors for one in self._low.values()]
        self._factors = np.ascontiguousarray(np.hstack(stacked)) if stacked else None
        self._nearest: Nearest | None = None
        if self._factors is not None and index is not None and len(index):
            self._nearest = Nearest.opened(self._factors, index)

    @classmethod
    def indexed(cls, blend: Hybrid, *, products: int, **settings: int) -> np.ndarray:
        """The index of this blend's factors, empty where the catalogue is small enough without."""
        factors = cls(blend, products=products)._factors
        return NO_INDEX if factors is None else Nearest(**settings).fit(factors).index_

    def listen(self, row: Interactions) -> Said:
        """Ready to answer for this row; a voice speaks when it is first asked."""
        return Said(Row(row), self.voices)

    def score(self, said: Said, weights: np.ndarray) -> np.ndarray:
        """(products,) float32: what is said, standardised, summed by (voices,) weights."""
        share: dict[int, float] = {}
        for number in self.voices:
            if weights[number] > 0 and said.of(number).deviation > 0:
                share[number] = float(weights[number]) / said.of(number).deviation
        scores = np.zeros(self._products, dtype=np.float32)
        for number, part in share.items():
            made = said.of(number).scores
            if made is not None:
                blas.saxpy(made, scores, a=part)
        usual = {number: part * said.of(number).mean for number, part in share.items()}
        of_factors = sum(mean for number, mean in usual.items() if number in self._low)
        taste = self._taste(said, share)
        if taste is not None and self._nearest is not None and not self._nearest.is_exact:
            scores -= np.float32(sum(usual.values()) - of_factors)
            self._add_to_candidates(scores, taste, of_factors)
            return scores
        if taste is not None and self._factors is not None:
            scores += self._factors @ taste
        scores -= np.float32(sum(usual.values()))
        return scores

    def _taste(self, said: Said, share: dict[int, float]) -> np.ndarray | None:
        """(factors,) float32 of all voices that have factors, each as loud as it is."""
        if not share.keys() & self._low.keys():
            return None
        tastes = [
            share[number] * said.tastes(number) if number in share else one.nothing
            for number, one in self._low.items()
        ]
        return np.concatenate(tastes).astype(np.float32)

    def _add_to_candidates(self, scores: np.ndarray, taste: np.ndarray, usual: float) -> None:
        """Exact for candidates; of all others the factors are taken to say what they usually do."""
        assert self._nearest is not None
        assert self._factors is not None
        most = min(CANDIDATES, len(scores) - 1)
        loudest = np.argpartition(-scores, most)[:most]
        columns = np.union1d(self._nearest.find(taste, most), loudest)
        scores[columns] += self._factors[columns] @ taste - np.float32(usual)
