"""Impressions whose chance of a click is known: eight categories that act alone and in pairs."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import expit

SIZES = (5, 8, 12, 20, 30, 50, 100, 200)


@dataclass(frozen=True)
class Impressions:
    """table: (rows,) of text by column; clicks (rows,); bayes: log loss of the true chances."""

    table: dict[str, np.ndarray]
    clicks: np.ndarray
    chances: np.ndarray

    @classmethod
    def made(cls, rows, *, seed=0, likes=True, size=None):
        """likes: pairs act as vectors of their levels say; otherwise eight pairs have tables."""
        rng = np.random.default_rng(seed)
        codes = []
        for count in SIZES:
            shares = 1.0 / np.arange(1, count + 1) ** 0.8
            codes.append(rng.choice(count, rows, p=shares / shares.sum()))
        margin = np.full(rows, -2.3)
        for code, count in zip(codes, SIZES, strict=True):
            margin += rng.normal(0, 0.3, count)[code]
        pairs = list(combinations(range(len(SIZES)), 2))
        if likes:
            vectors = [rng.normal(0, 0.25, (count, 4)) for count in SIZES]
            for one, other in pairs:
                margin += (size or 1.0) * (
                    vectors[one][codes[one]] * vectors[other][codes[other]]
                ).sum(axis=1)
        else:
            for at in rng.choice(len(pairs), 8, replace=False):
                one, other = pairs[at]
                margin += rng.normal(0, size or 0.3, (SIZES[one], SIZES[other]))[
                    codes[one], codes[other]
                ]
        chances = expit(margin)
        table = {f"c{at}": np.char.add("v", code.astype(str)) for at, code in enumerate(codes)}
        return cls(table, (rng.random(rows) < chances).astype(float), chances)

    def part(self, start, stop):
        cut = slice(start, stop)
        table = {name: values[cut] for name, values in self.table.items()}
        return Impressions(table, self.clicks[cut], self.chances[cut])

    @property
    def bayes(self):
        return loss(self.chances, self.clicks, expected=self.chances)


def loss(chances, clicks, *, expected=None):
    """Log loss; with the true chances its expectation, which is less noisy."""
    truth = clicks if expected is None else expected
    return float(-(truth * np.log(chances) + (1 - truth) * np.log1p(-chances)).mean())
