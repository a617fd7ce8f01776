"""The draws of journeys: fixed by the journey, the place and the person, so nobody draws twice."""

import hashlib
from collections.abc import Callable

from django.conf import settings

from campaigns.ml import chance


def is_held_out(journey_id: int, customer_id: int, *, share: float) -> bool:
    return share > 0 and _unit(f"journey-{journey_id}", customer_id) < share


def drawer(journey_id: int, customer_id: int) -> Callable[[str], float]:
    """A number in [0, 1) for each node of a random split."""
    return lambda node: _unit(f"journey-{journey_id} {node}", customer_id)


def _unit(experiment: str, customer_id: int) -> float:
    return chance.unit(_secret(), experiment, str(customer_id))


def _secret() -> bytes:
    return hashlib.sha256(f"campaigns.journeys {settings.SECRET_KEY}".encode()).digest()
