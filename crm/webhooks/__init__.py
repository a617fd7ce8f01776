"""Webhooks: partners hear of events, in the form of https://www.standardwebhooks.com.

`queueing` writes what they are to hear into the database, `sending` gets it to them, `steering`
makes and changes the webhooks themselves, `kinds` knows what there is to hear of.
"""

from crm.webhooks.kinds import register_kinds
from crm.webhooks.queueing import Telling, queue

__all__ = ["Telling", "queue", "register_kinds"]
