"""Where and when a person reacts, drawn towards what everybody does while little is known."""

import numpy as np
from scipy.special import gammaln

STRENGTHS = np.geomspace(1.0, 500.0, 40)


def population(counts: np.ndarray) -> np.ndarray:
    """Shares over everybody, each person counting alike however much they do."""
    total = counts.sum(axis=1, keepdims=True)
    active = total[:, 0] > 0
    if not active.any():
        return np.full(counts.shape[1], 1 / counts.shape[1])
    shares = (counts[active] / total[active]).mean(axis=0)
    width = counts.shape[1]
    return np.asarray((shares * len(total) + 1 / width) / (len(total) + 1))  # never quite nought


def strength(counts: np.ndarray, shares: np.ndarray) -> float:
    """How many observations the population is worth: the likeliest Dirichlet of those shares.

    Small where people differ much from each other, large where they are all alike.
    """
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        return float(STRENGTHS[-1])
    total = counts.sum(axis=1)
    best = [
        float(
            (gammaln(s) - gammaln(s + total)).sum()
            + (gammaln(s * shares + counts) - gammaln(s * shares)).sum()
        )
        for s in STRENGTHS
    ]
    return float(STRENGTHS[int(np.argmax(best))])


def shrunk(counts: np.ndarray, shares: np.ndarray, worth: float) -> np.ndarray:
    """(people, choices) expected shares of each person."""
    return np.asarray((counts + worth * shares) / (counts.sum(axis=1, keepdims=True) + worth))


def smooth_hours(counts: np.ndarray, spread: float = 1.0) -> np.ndarray:
    """Hours next to each other are alike, and 23 is next to 0; sums stay."""
    distance = np.minimum(np.arange(24), 24 - np.arange(24))
    kernel = np.exp(-0.5 * (distance / spread) ** 2)
    kernel /= kernel.sum()
    around = np.array([np.roll(kernel, hour) for hour in range(24)])
    return np.asarray(counts @ around)
