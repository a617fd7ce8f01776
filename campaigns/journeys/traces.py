"""The way somebody came, read back from what was written down."""

from campaigns.models import Delivery, PassageStep

MOST_STEPS = 10_000  # of one passage: a round of an hour for a year


def occurrence_of(number: int, position: int) -> int:
    """The same for the same step, another when they come round again or enter again."""
    return number * MOST_STEPS + position


def decision_before(delivery: Delivery) -> str:
    """The number of the last decision on the way to a message of a journey; empty: there is none.

    delivery comes with its campaign. One query, none for a broadcast.
    """
    if delivery.campaign.journey_id is None:
        return ""
    number, position = divmod(delivery.occurrence, MOST_STEPS)
    steps = PassageStep.objects.filter(
        passage__journey=delivery.campaign.journey_id,
        passage__customer=delivery.customer_id,
        passage__number=number,
        position__lt=position,
        what="decided",
    )
    detail = steps.order_by("-position").values_list("detail", flat=True).first()
    return str(detail["decision"]) if detail and "decision" in detail else ""
