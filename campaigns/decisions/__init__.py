"""The next best action for a customer at a placement: chosen, logged, rewarded, made again."""

from campaigns.decisions.deciding import (
    Decided,
    PlacementClosed,
    UnknownPlacement,
    decide,
    decide_each,
    decide_many,
    look,
    look_many,
    placement_of,
)
from campaigns.decisions.rewarding import OutsideWindow, credit_order, reward

__all__ = [
    "Decided",
    "OutsideWindow",
    "PlacementClosed",
    "UnknownPlacement",
    "credit_order",
    "decide",
    "decide_each",
    "decide_many",
    "look",
    "look_many",
    "placement_of",
    "reward",
]
