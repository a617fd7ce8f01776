"""Log odds as a sum of many parts, each fitted to what the others leave: the common ground.

One round of Newton's method on a logistic loss is a weighted least squares problem. Its parts are
solved one after the other on the same weights (backfitting: Hastie, Tibshirani 1986), which takes
a few sums over the rows for each and nothing to tune.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

ROUNDS = 4  # of the iteration for a variance
START = 0.02


@dataclass
class Left:
    """What is left to explain; all (rows,). Changed in place, part by part."""

    clicks: np.ndarray
    margin: np.ndarray  # log odds so far
    gradient: np.ndarray  # what the present log odds leave of the clicks
    weight: np.ndarray  # variance of a click at the log odds of the last `renew`

    @classmethod
    def over(cls, clicks: np.ndarray, margin: np.ndarray) -> "Left":
        return cls(clicks, margin.copy(), np.empty(0), np.empty(0)).renew()

    def renew(self) -> "Left":
        """Take weights and gradients anew at the present log odds."""
        chance = expit(self.margin)
        self.gradient = self.clicks - chance
        self.weight = chance * (1.0 - chance)
        return self

    def add(self, part: np.ndarray) -> None:
        self.margin += part
        self.gradient -= self.weight * part

    def solve(self, codes: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """Effects of the cells of one part anew, (cells,), given all others; added in place.

        codes: (rows,) of cells. An effect is drawn towards zero by as much as effects of this part
        differ beyond what luck explains (empirical Bayes), so parts without any are switched off.
        """
        size = len(effects)
        weight = np.bincount(codes, self.weight, size)
        total = np.bincount(codes, self.gradient, size) + weight * effects
        solved = total / (weight + 1.0 / variance(total, weight))
        self.add((solved - effects)[codes])
        return solved


def variance(total: np.ndarray, weight: np.ndarray) -> float:
    """How much true effects vary, from noisy ones: total / weight each, with variance 1 / weight.

    Moments weighted by their certainty (Paule, Mandel 1982).
    """
    seen = weight > 0.5
    noise = 1.0 / weight[seen]
    squares = (total[seen] * noise) ** 2
    found = START
    if not len(noise):
        return 1e-8
    for _ in range(ROUNDS):
        trust = 1.0 / (noise + found) ** 2
        found = max(float((trust * (squares - noise)).sum() / trust.sum()), 1e-8)
    return found
