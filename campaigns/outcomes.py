"""What follows from the end of a message: sent, tried again, given up, or held."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat, JSONObject

from campaigns import channels, rendering
from campaigns.claiming import Due
from campaigns.events import MessageSent
from campaigns.models import Delivery
from crm import consent, timeline
from crm.models import Suppression

ATTEMPTS = 5
FIRST_WAIT = timedelta(minutes=1)
FACT = {
    "delivery_id": F("pk"),
    "campaign_id": F("campaign_id"),
    "campaign": F("campaign__name"),
    "variant": F("variant__label"),
    "channel": F("channel"),
}
Outcome = dict[str, Any]
Status = Delivery.Status


def sent(now: datetime) -> Outcome:
    """What to write down about a message that was accepted."""
    return {"status": Status.SENT, "sent_at": now, "reason": ""}


def failed(
    delivery: Due, failure: Exception, *, now: datetime, is_idempotent: bool = False
) -> Outcome:
    """What to write down about a message that ended so. `attempts` counts this one.

    An address that was refused is suppressed. What is no end of a message is raised again.
    """
    match failure:
        case channels.AddressRefused():
            reason = Suppression.Reason.BOUNCE
            consent.suppress(
                channel=delivery.channel, address=delivery.address, reason=reason, at=now
            )
            return {"status": Status.FAILED, "reason": _words(failure)}
        case channels.PermanentFailure() | rendering.BrokenTemplate():
            return {"status": Status.FAILED, "reason": _words(failure)}
        case channels.TemporaryFailure():
            return _later(delivery, failure, now=now)
        case channels.Unclear():
            if is_idempotent:
                return _later(delivery, failure, now=now)
            return {"status": Status.UNCERTAIN, "reason": _words(failure)}
    raise failure


def tell(delivery_ids: Collection[int], *, sent_at: datetime) -> None:
    """Tell the timeline of messages that were sent at this moment, in two statements."""
    if not delivery_ids:
        return
    untold = Delivery.objects.filter(pk__in=delivery_ids, status=Status.SENT, told_at=None)
    key = Concat(Value(f"{MessageSent.kind}:"), Cast("pk", CharField()))
    found = untold.annotate(data=JSONObject(**FACT), key=key).values("customer_id", "data", "key")
    query, params = found.query.sql_with_params()
    named = f"SELECT customer_id, data, key AS message_id FROM ({query}) AS untold"
    timeline.record_found(named, params, kind=MessageSent.kind, at=sent_at)
    untold.update(told_at=sent_at)


def _later(delivery: Due, failure: Exception, *, now: datetime) -> Outcome:
    """Try again after 1, 4, 16, 64 minutes, then give up."""
    if delivery.attempts >= ATTEMPTS:
        return {"status": Status.FAILED, "reason": _words(failure)}
    wait = FIRST_WAIT * 4 ** (delivery.attempts - 1)
    return {"status": Status.QUEUED, "due_at": now + wait, "reason": _words(failure)}


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300]
