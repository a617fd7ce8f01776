"""Is something said more often than before, or is it noise?"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Change:
    """How often now and before, out of how many; `p` is corrected for all that were looked at."""

    now: int
    before: int
    share_now: float
    share_before: float
    p: float

    @property
    def times(self) -> float | None:
        """How many times as often as before; None where it was never said."""
        return self.share_now / self.share_before if self.share_before else None


def changes(now: np.ndarray, before: np.ndarray, *, of_now: int, of_before: int) -> list[Change]:
    """One-sided exact tests that each share grew, corrected after Benjamini and Hochberg.

    now, before: how many of the `of_now` and `of_before` texts say each thing.
    """
    if not len(now):
        return []
    # Of all texts that say it, at least so many among the present ones, were they drawn by lot.
    from scipy.stats import hypergeom  # 50 MB that no request needs

    chance = hypergeom.sf(now - 1, of_now + of_before, now + before, of_now)
    corrected = _corrected(np.asarray(chance, dtype=float))
    return [
        Change(
            int(n), int(b), n / of_now if of_now else 0.0, b / of_before if of_before else 0.0, p
        )
        for n, b, p in zip(now, before, corrected.tolist(), strict=True)
    ]


def _corrected(p: np.ndarray) -> np.ndarray:
    """Of all that is called a rise at a level, at most that share is expected to be none."""
    order = np.argsort(p)[::-1]
    ranks = np.arange(len(p), 0, -1)
    least = np.minimum.accumulate(p[order] * len(p) / ranks)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(least, 1.0)
    return corrected
