"""Customers whom the bot never speaks to first, so that what it brings can be told from chance.

Who is held out follows from who they are (an HMAC), as long as the share stays the same:
nothing is stored, and a larger share holds the same people and more.
"""

import hashlib
import hmac

from django.conf import settings

from crm.models import Customer

RESOLUTION = 2**53  # as many steps as a float can tell apart


def is_held_out(public_id: object, *, share: float | None = None) -> bool:
    """Whether the customer with this public id is left alone by proactive messages of the bot."""
    share = settings.CHAT_HOLDOUT if share is None else share
    return share > 0 and _unit(str(public_id)) < share


def may_speak_first(customer: Customer) -> bool:
    return not is_held_out(customer.public_id)


def _unit(subject: str) -> float:
    """A number in [0, 1), uniform over subjects."""
    secret = settings.SECRET_KEY.encode()
    digest = hmac.digest(secret, f"proactive chat\n{subject}".encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / RESOLUTION
