"""Chance without a coin: the same customer of the same campaign always draws the same number."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

RESOLUTION = 2**53  # as many steps as a float can tell apart


class Draw(NamedTuple):
    """The arm that was drawn (None: held out) and the chance it had."""

    arm: int | None
    propensity: float


def unit(secret: bytes, experiment: str, subject: str) -> float:
    """Return a number in [0, 1), uniform over subjects, fixed by the three arguments."""
    digest = hmac.digest(secret, f"{experiment}\n{subject}".encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / RESOLUTION


def draw(number: float, *, holdout: float, weights: Sequence[float]) -> Draw:
    """Turn a number in [0, 1) into an arm: first the holdout's share, then arms by weight.

    Propensities are exact and sum to one over the holdout and the arms.
    """
    if not 0 <= holdout < 1 or not weights or min(weights) <= 0:
        raise ValueError("needs a holdout share in [0, 1) and at least one weight above 0")
    if number < holdout:
        return Draw(None, holdout)
    total = sum(weights)
    left = (number - holdout) / (1 - holdout) * total
    for arm, weight in enumerate(weights):
        left -= weight
        if left < 0 or arm == len(weights) - 1:
            return Draw(arm, (1 - holdout) * weight / total)
    raise AssertionError("the last arm takes what rounding leaves")
