"""Trials whose truth is known."""

import numpy as np

from campaigns.ml.uplift import Trial

BASE = 0.15


def trial(effect, *, rows=4_000, seed=0, share=0.5, columns=4, money=False):
    """`effect` takes (rows, columns) standard normal columns and gives the true uplifts.

    The last column moves the outcome whether treated or not.
    """
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns))
    treatment = (rng.random(rows) < share).astype(float)
    mean = BASE + 0.05 * matrix[:, -1] + treatment * effect(matrix)
    if money:
        outcome = mean * 100 + rng.normal(0, 20, rows)
    else:
        outcome = (rng.random(rows) < np.clip(mean, 0.01, 0.99)).astype(float)
    return Trial.randomised(matrix, (0,) * columns, treatment, outcome)


def nothing(matrix):
    return np.zeros(len(matrix))


def alike(matrix):
    return np.full(len(matrix), 0.08)


def half(matrix):
    """Those above the middle of the first column gain, the others do not."""
    return 0.16 * (matrix[:, 0] > 0)


def either_way(matrix):
    return 0.1 * np.sign(matrix[:, 0])


def together(matrix):
    """Only the two columns together tell who gains."""
    return 0.12 * np.sign(matrix[:, 0] * matrix[:, 1])
