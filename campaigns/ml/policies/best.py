"""The chance that each of several uncertain values is the largest: Thompson's chances, computed.

Thompson sampling draws a value for each action and takes the largest; how likely each action was
is then unknown. Here the chances themselves are computed,

    P(a is largest) = integral of prod over b != a of F_b(x)  dF_a(x),

as a sum over cells of the line, and the action is drawn from them. So the chance that is logged is
the chance that it was drawn with, whatever the cells; that it is also Thompson's is a matter of how
fine they are (tests: within .01 of a million draws).
"""

import numpy as np
from scipy.special import betainc, betaincinv, ndtr

REACH = np.linspace(-3.0, 3.0, 7)  # standard deviations at which each value has an edge
EVENLY = np.linspace(0.0, 1.0, 17)  # of the line on which the largest can lie


def among_normal(mean: np.ndarray, width: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """mean and width (standard deviations above 0) of independent normals, all (n, k).

    Returns (n, k); rows add up to one, zero where not eligible.
    """
    low = np.where(eligible, mean - 4.0 * width, -np.inf).max(axis=1, keepdims=True)
    high = np.where(eligible, mean + 4.0 * width, -np.inf).max(axis=1, keepdims=True)
    around = (mean[:, :, None] + width[:, :, None] * REACH).reshape(len(mean), -1)
    edges = np.hstack([low + (high - low) * EVENLY, np.clip(around, low, high)])
    edges.sort(axis=1)
    below = np.empty((mean.shape[1], *edges.shape))
    for value, part in enumerate(below):
        ndtr((edges - mean[:, value, None]) / width[:, value, None], out=part)
    return _among(below, eligible)


def among_beta(wins: np.ndarray, losses: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """The same for shares with Beta(wins, losses) posteriors, (k,), and eligible (n, k)."""
    quantiles = betaincinv(wins[:, None], losses[:, None], ndtr(REACH))
    edges = np.unique(np.hstack([quantiles.ravel(), EVENLY]))
    below = betainc(wins[:, None], losses[:, None], edges)
    return _among(np.repeat(below[:, None], len(eligible), axis=1), eligible)


def _among(below: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """below: (k, n, edges), the chance of each value to lie under each edge; changed in place."""
    below[~eligible.T] = 1.0
    others = np.ones_like(below)
    for value in range(1, len(below)):
        np.multiply(others[value - 1], below[value - 1], out=others[value])
    behind = np.ones_like(below[0])
    for value in range(len(below) - 1, 0, -1):
        behind *= below[value]
        others[value - 1] *= behind
    mass = np.diff(below, axis=2)
    chances = np.einsum("kne,kne->nk", mass, others[:, :, 1:] + others[:, :, :-1]) / 2.0
    # Mass under the lowest edge is never the largest; that over the highest hardly exists.
    chances += ((1.0 - below[:, :, -1]) * others[:, :, -1]).T
    chances[~eligible] = 0.0
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))
