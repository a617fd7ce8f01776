"""Has the world changed? Page's cumulative sum (1954) over what each reward says.

Every reward is asked how much likelier it would be had its action become better, or worse, than it
was believed to be. The logarithms add up and start again at zero when they fall below. Where the
beliefs hold, a sum passes log(patience) once in at least `patience` rewards of an action (Lorden
1971), however rare rewards are; after a change it does so within some dozens.

What is chosen is what is believed in too much (the winner's curse). So "worse" is measured from
the low edge of a belief and "better" from the high one, `BAND` standard deviations away.
"""

import numpy as np

BAND = 2.0
ODDS = 0.75  # log odds that a share must have moved by to be worth an alarm
DEVIATIONS = 0.7  # the same for values, in standard deviations
FARTHEST = 3.0  # deviations that one reward may speak with: money has outliers, rare clicks too
PATIENCE = 1e6
BETTER_WORSE = np.array([1.0, -1.0])


def of_share(score: float, deviation: float, reward: float) -> np.ndarray:
    """(2,): log likelihood ratios of better and worse.

    score: believed log odds of the reward, a share, with their standard deviation.
    """
    edges = score + BETTER_WORSE * BAND * deviation
    moved = edges + BETTER_WORSE * ODDS
    return np.asarray(
        reward * (moved - edges) + np.logaddexp(0.0, edges) - np.logaddexp(0.0, moved)
    )


def of_value(error: float, deviation: float, noise: float) -> np.ndarray:
    """The same for a reward that is off by `error` where `deviation` and `noise` were expected."""
    beyond = BETTER_WORSE * error - BAND * deviation
    far = np.clip(beyond / max(noise, 1e-12), -FARTHEST, FARTHEST)
    return np.asarray(DEVIATIONS * far - DEVIATIONS**2 / 2.0)


def is_alarm(sums: np.ndarray, action: int, ratios: np.ndarray, *, patience: float) -> bool:
    """Add to the sums (2, actions) in place; true, with all of them at zero, if one is too high."""
    sums[:, action] = np.maximum(sums[:, action] + ratios, 0.0)
    if sums[:, action].max() <= np.log(patience):
        return False
    sums[:] = 0.0
    return True
