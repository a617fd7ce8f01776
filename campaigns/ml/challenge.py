"""Would another policy do better at a placement? Learned and judged on different customers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from campaigns.ml.offpolicy import Evaluation, Log, Verdict, evaluate
from campaigns.ml.placed import PlacedPolicy

FOLDS = 5
MOST_HARM = 0.01  # by which unsubscribes may rise, at the upper end of the interval
Make = Callable[[], PlacedPolicy]


@dataclass(frozen=True)
class Past:
    """Decisions of a placement, oldest first: (n,) each, contexts (n, d), eligible (n, actions).

    judged: those that the policy which serves has made; the others are only learned from.
    """

    order: list[str]
    log: Log
    eligible: np.ndarray
    harms: np.ndarray
    judged: np.ndarray


@dataclass(frozen=True)
class Challenge:
    """The verdict on a challenger, and why it is not to be proposed, if so."""

    evaluation: Evaluation
    harm: Evaluation
    reasons: tuple[str, ...]

    @property
    def is_proposed(self) -> bool:
        return self.evaluation.verdict == Verdict.PROMOTE and not self.reasons


def challenge(past: Past, make: Make, *, rng: np.random.Generator) -> Challenge:
    """Judge what `make` learns, each customer by a policy taught by the others.

    The incumbent is what was brought in the judged decisions. Raises ValueError where rewards are
    not of a kind that the policy can learn from, or there is nothing to judge by.
    """
    groups = past.log.groups
    fold = rng.permutation(groups.max() + 1)[groups] % FOLDS
    chances = np.zeros(past.eligible.shape)
    for held in range(FOLDS):
        mine, others = fold == held, fold != held
        if mine.any():
            taught = make().fit(
                past.log.contexts[others], past.log.actions[others], past.log.rewards[others]
            )
            chances[mine] = taught.chances(past.log.contexts[mine], past.eligible[mine], past.order)
    keep = past.judged
    found = evaluate(_part(past.log, keep, past.log.rewards), chances[keep], rng=rng)
    harm = evaluate(_part(past.log, keep, past.harms), chances[keep], rng=rng)
    reasons = list(found.reasons)
    if not reasons and harm.gain.upper > MOST_HARM:
        reasons.append(
            f"unsubscribes may rise by {100 * harm.gain.upper:.1f} points, above "
            f"{100 * MOST_HARM:.0f}"
        )
    return Challenge(found, harm, tuple(reasons))


def _part(log: Log, keep: np.ndarray, rewards: np.ndarray) -> Log:
    return Log(
        log.actions[keep],
        log.propensities[keep],
        rewards[keep],
        log.contexts[keep],
        None if log.customers is None else log.customers[keep],
    )
