"""Opinions, interests and habits: nothing is learned over time; everybody is looked at anew."""

import time
from collections.abc import Callable
from typing import Any

from crm import habits, interests, needs, opinions
from crm.training import Order


def train_opinions(order: Order) -> dict[str, Any]:
    """All texts, read once by what was promoted just now; and the needs that they tell of."""
    return _counted(
        order,
        lambda: {
            "understood": opinions.catch_up(now=order.now),
            "customers": needs.refresh(as_of=order.as_of, now=order.now),
        },
    )


def train_interests(order: Order) -> dict[str, Any]:
    """Everybody's fading interests."""
    return _counted(
        order, lambda: {"interests": interests.refresh(as_of=order.as_of, now=order.now)}
    )


def train_habits(order: Order) -> dict[str, Any]:
    """Everybody's channel and hour, drawn towards the population's."""
    return _counted(order, lambda: habits.refresh(as_of=order.as_of, now=order.now))


def _counted(order: Order, refresh: Callable[[], dict[str, int]]) -> dict[str, Any]:
    started = time.process_time()
    made = refresh() if order.keep else {}
    return {
        "artifact": None,
        "metrics": made,
        "baseline_metrics": {},
        "champion_metrics": None,
        "promoted": order.keep,
        "reason": "counted as of the moment; there is nothing to learn",
        "rows": sum(made.values()),
        "seconds": round(time.process_time() - started, 2),
    }
