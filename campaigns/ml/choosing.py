"""The last step of a decision: chances and a number become a choice, while stocks last."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from campaigns.ml.policies import drawn

Chances = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Chosen:
    """actions (n,), chances (n, actions), gone (n, actions): what had run out by its turn."""

    actions: np.ndarray
    chances: np.ndarray
    gone: np.ndarray


def choose(
    rows: np.ndarray,
    eligible: np.ndarray,
    numbers: np.ndarray,
    chances: Chances,
    *,
    left: np.ndarray,
) -> Chosen:
    """Choose for one after the other, as if each had come alone.

    rows: (n,) what `chances` is asked with, beside their eligible actions; numbers (n,) in [0, 1).
    left: (actions,) how often each may still be chosen, infinity where nobody counts. Whoever
    comes after the last of an action finds it gone. Action 0 is what remains to those who find
    nothing else; it never runs out.
    """
    left = left.astype(float)
    found = Chosen(
        np.zeros(len(rows), dtype=int), np.zeros(eligible.shape), np.zeros_like(eligible)
    )
    start = 0
    while start < len(rows):
        found.gone[start:] = left < 1
        rest = eligible[start:] & (left >= 1)
        rest[:, 0] |= ~rest.any(axis=1)
        found.chances[start:] = chances(rows[start:], rest)
        found.actions[start:] = drawn(found.chances[start:], numbers[start:])
        taken = _until_one_is_gone(found.actions[start:], left)
        left -= np.bincount(found.actions[start : start + taken], minlength=len(left))
        start += taken
    return found


def _until_one_is_gone(actions: np.ndarray, left: np.ndarray) -> int:
    """How many of these choices stand: to the one that takes the last of something."""
    ends = [len(actions)]
    for action in np.flatnonzero(np.isfinite(left)):
        places = np.flatnonzero(actions == action)
        if left[action] >= 1 and len(places) >= left[action]:
            ends.append(int(places[int(left[action]) - 1]) + 1)
    return min(ends)
