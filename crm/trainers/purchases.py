"""The purchases that a trainer learns from, or what is missing."""

from crm import scores
from crm.training import Order, TooLittleData


def enough(order: Order, *, buyers: int, days: int) -> scores.Purchases:
    """What was bought until the last recorded day. Raises TooLittleData."""
    bought = scores.purchases(as_of=order.as_of).recorded()
    if len(bought.ids) < buyers or bought.today < days:
        raise TooLittleData(
            f"{len(bought.ids)} buyers over {bought.today} days; at least {buyers} "
            f"buyers over {days} days needed"
        )
    return bought
