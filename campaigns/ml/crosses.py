"""Hashed logistic regression with crosses: an effect for every level and every pair of levels."""

from itertools import combinations
from typing import Any, ClassVar, Self

import numpy as np

from campaigns.ml.backfitting import Left, variance
from crm.ml.estimator import State

CELLS = 2**20  # of a pair at most; beyond, cells are hashed and some share an effect
MOST_PAIRS = 60
LOOKED_AT = 50_000  # rows from which pairs are chosen where there are more


class Crosses:
    """Levels and their pairs, each drawn to zero by what its kind of effect is found to vary.

    sizes: how many levels each column has. sweeps over the pairs; none leaves the levels alone.
    """

    name: ClassVar[str] = "crosses"
    format: ClassVar[int] = 1

    def __init__(self, sizes: list[int], *, sweeps: int = 3) -> None:
        self.sizes = sizes
        self.sweeps = sweeps

    def fit(self, codes: np.ndarray, clicks: np.ndarray, margin: np.ndarray) -> Self:
        """codes (columns, rows); clicks (rows,) 0 or 1; margin (rows,): log odds to start from."""
        left = Left.over(clicks, margin)
        parts = [np.array([column]) for column in range(len(self.sizes))]
        effects = [np.zeros(size) for size in self.sizes]
        for _ in range(2):
            self._sweep(left, codes, parts, effects)
        if self.sweeps:
            pairs = self._pairs(left, codes)
            parts += pairs
            effects += [np.zeros(self._cells(pair)) for pair in pairs]
        for _ in range(self.sweeps):
            self._sweep(left, codes, parts, effects)
        self.parts_ = np.array([part if len(part) > 1 else [part[0], -1] for part in parts])
        self.starts_ = np.cumsum([0, *(len(one) for one in effects)])
        self.effects_ = np.concatenate(effects).astype(np.float32)
        return self

    def margin(self, codes: np.ndarray) -> np.ndarray:
        """(rows,): what levels and pairs add to the log odds."""
        total = np.zeros(codes.shape[1])
        for part, start in zip(self.parts_, self.starts_, strict=False):
            total += self.effects_[start:][self._coded(codes, part[part >= 0])]
        return total

    def state(self) -> State:
        return State(
            arrays={"parts_": self.parts_, "starts_": self.starts_, "effects_": self.effects_},
            settings={"sizes": self.sizes, "sweeps": self.sweeps},
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        made = cls(**state.settings)
        vars(made).update(state.arrays)
        return made

    def _sweep(
        self, left: Left, codes: np.ndarray, parts: list[np.ndarray], effects: list[np.ndarray]
    ) -> None:
        left.renew()
        for at, part in enumerate(parts):
            effects[at] = left.solve(self._coded(codes, part), effects[at])

    def _cells(self, part: np.ndarray) -> int:
        return min(int(np.prod([self.sizes[column] for column in part])), CELLS)

    def _coded(self, codes: np.ndarray, part: np.ndarray) -> np.ndarray:
        """(rows,): the cell of each row."""
        if len(part) == 1:
            return np.asarray(codes[part[0]])
        first, second = part
        cells = self.sizes[first] * self.sizes[second]
        code = codes[first].astype(np.int64) * self.sizes[second] + codes[second]
        # Knuth's multiplicative hash: neighbours go far apart.
        return code if cells <= CELLS else (code * 2_654_435_761 >> 12) % CELLS

    def _pairs(self, left: Left, codes: np.ndarray) -> list[np.ndarray]:
        """All of them, or those that explain most of what a sample has left."""
        pairs: list[Any] = [np.array(pair) for pair in combinations(range(len(self.sizes)), 2)]
        if len(pairs) <= MOST_PAIRS:
            return pairs
        left.renew()
        some = slice(0, LOOKED_AT)
        gains = []
        for pair in pairs:
            code = self._coded(codes[:, some], pair)
            weight = np.bincount(code, left.weight[some])
            total = np.bincount(code, left.gradient[some])
            drawn = total / (weight + 1.0 / variance(total, weight))
            gains.append(float(total @ drawn))
        best = np.argsort(gains)[::-1][:MOST_PAIRS]
        return [pairs[at] for at in sorted(best.tolist())]
