"""The trail of a placement as arrays: contexts, choices, chances, and what they came to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Q, Sum

from campaigns.decisions.snapshots import FEATURES
from campaigns.models import NOTHING, Decision, Placement, Reward

MOST = 50_000  # of the newest decisions


@dataclass(frozen=True)
class Trail:
    """(n,) each, but contexts (n, features) and eligible (n, actions); oldest first.

    Only decisions with a choice, whose window has closed: what comes of the others is not known.
    """

    order: list[str]
    actions: np.ndarray
    propensities: np.ndarray
    contexts: np.ndarray
    eligible: np.ndarray
    rewards: np.ndarray
    harms: np.ndarray  # unsubscribed because of it, or not
    customers: np.ndarray
    artifacts: np.ndarray  # 0 where staff's weights decided
    at: np.ndarray  # seconds
    explored: np.ndarray  # whether chance chose another than the policy likes best

    def __len__(self) -> int:
        return len(self.actions)

    def of(self, keep: np.ndarray) -> "Trail":
        """The rows that are kept, by a mask."""
        columns = {
            name: value[keep] if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        return Trail(**columns)


def trail(placement: Placement, *, until: datetime, whole: bool = True) -> Trail:
    """What is known of the placement's decisions. Two queries.

    whole: only those whose attribution window had closed by `until`.
    """
    end = until - placement.window if whole else until
    newest = _rows(placement).filter(decided_at__lte=end).order_by("-decided_at", "-pk")[:MOST]
    rows = [row for row in reversed(list(newest)) if len(row[4]) > 1]
    actions = placement.actions.order_by("pk").values_list("slug", "cost")
    costs = {NOTHING: 0.0} | {slug: float(cost) for slug, cost in actions}
    order = list(costs)
    number = {slug: place for place, slug in enumerate(order)}
    eligible = np.zeros((len(rows), len(order)), dtype=bool)
    for place, row in enumerate(rows):
        eligible[place, [number[slug] for slug in row[4]]] = True
    table = np.array([_outcome(placement, row, costs) for row in rows]).reshape(-1, 2)
    return Trail(
        order=order,
        actions=np.array([number[row[1]] for row in rows], dtype=int),
        propensities=np.array([row[2] for row in rows], dtype=float),
        contexts=np.array([row[3]["features"] for row in rows], dtype=float).reshape(
            -1, len(FEATURES)
        ),
        eligible=eligible,
        rewards=table[:, 0],
        harms=table[:, 1],
        customers=np.array([row[0] for row in rows], dtype=np.int64),
        artifacts=np.array([row[5] or 0 for row in rows], dtype=np.int64),
        at=np.array([row[6].timestamp() for row in rows], dtype=float),
        explored=np.array([row[2] < max(row[4].values()) - 1e-12 for row in rows], dtype=bool),
    )


def newest(customers: np.ndarray) -> np.ndarray:
    """(n,) whether a row, oldest first, is the last of its customer."""
    _, places = np.unique(customers[::-1], return_index=True)
    mask = np.zeros(len(customers), dtype=bool)
    mask[len(customers) - 1 - places] = True
    return mask


def offers_of(placement: Placement, order: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Of each choice: whether it gives something away, and what it is worth. One query.

    Where no action has a value, to be offered anything at all is what counts.
    """
    worth = dict(placement.actions.values_list("slug", "value"))
    value = np.array([float(worth.get(slug, 0)) for slug in order])
    gives = value > 0
    return (gives if gives.any() else np.array([slug != NOTHING for slug in order])), value


def _rows(placement: Placement) -> Any:
    kind = Reward.Kind
    return (
        Decision.objects.filter(placement=placement)
        .annotate(
            clicks=Count("rewards", filter=Q(rewards__kind=kind.CLICK)),
            bought=Count("rewards", filter=Q(rewards__kind=kind.CONVERSION)),
            earned=Sum("rewards__value", filter=~Q(rewards__kind=kind.UNSUBSCRIBE)),
            left=Count("rewards", filter=Q(rewards__kind=kind.UNSUBSCRIBE)),
        )
        .values_list(
            *("customer_id", "choice", "propensity", "facts", "candidates", "artifact_id"),
            *("decided_at", "clicks", "bought", "earned", "left"),
        )
    )


def _outcome(placement: Placement, row: Any, costs: dict[str, float]) -> tuple[float, float]:
    """The reward by the placement's goal, and the harm."""
    clicks, bought, earned, left = row[7:]
    if placement.goal == Placement.Goal.CLICK:
        return float(clicks > 0), float(left > 0)
    if placement.goal == Placement.Goal.CONVERSION:
        return float(bought > 0), float(left > 0)
    gained = placement.margin * float(earned or 0) - costs[row[1]]
    return gained - placement.unsubscribe_cost * (left > 0), float(left > 0)
