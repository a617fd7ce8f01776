"""Score every buyer by recency, frequency and money."""

import time
from typing import Any

from crm import models, scores
from crm.training import Order, TooLittleData


def train_rfm(order: Order) -> dict[str, Any]:
    """Nothing is learned: every buyer is scored as of the moment."""
    started = time.process_time()
    orders = models.Order.objects.revenue().filter(placed_at__lte=order.as_of).count()
    if not orders:
        raise TooLittleData("no orders yet: nobody to score")
    sizes = scores.refresh_rfm(as_of=order.as_of, now=order.now) if order.keep else {}
    return {
        "artifact": None,
        "metrics": {"customers": sum(sizes.values()), **sizes},
        "baseline_metrics": {},
        "champion_metrics": None,
        "promoted": order.keep,
        "reason": f"{sum(sizes.values())} customers scored; there is nothing to learn",
        "rows": orders,
        "seconds": round(time.process_time() - started, 2),
    }
