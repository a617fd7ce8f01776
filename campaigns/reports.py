"""What providers tell of a message after they took it: delivered, bounced, complained, answered.

A report is taken once, by the provider's number for it. A message's state only ever goes
forward: sent, delivered, bounced, complained, in whatever order the reports come.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from campaigns import tracking
from campaigns.events import MessageBounced, MessageComplained, MessageReplied
from campaigns.models import Delivery, ProviderReport
from crm import consent, timeline
from crm.models import Suppression

Kind = ProviderReport.Kind
Status = Delivery.Status
SOFT_BOUNCES = 5  # messages that could not be delivered for a while, in …
SOFT_WITHIN = timedelta(days=30)
ANSWER_WITHIN = timedelta(days=30)  # who writes to us without naming a message means the last one
LONGEST_REPLY = 1000
# What operators and their customers agreed on: https://www.ctia.org, and 退订 or TD in China.
_STOP = re.compile(
    r"\s*[\"'“]?(?:stop|stopall|unsubscribe|cancel|end|quit|td|t|退订|退訂|取消订阅)[.!。！”\"']?\s*",
    re.I,
)
_FORWARD = {  # from which states a report moves a message
    Status.DELIVERED: (Status.SENT, Status.SENDING, Status.UNCERTAIN),
    Status.BOUNCED: (Status.SENT, Status.DELIVERED, Status.SENDING, Status.UNCERTAIN),
    Status.COMPLAINED: (
        *(Status.SENT, Status.DELIVERED, Status.BOUNCED),
        *(Status.SENDING, Status.UNCERTAIN),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """One thing that a provider tells.

    `key` is its number there; `message_id` is ours, and may be empty where only the address is
    known. `is_permanent` says of a bounce that the address will never take a message.
    """

    provider: str
    key: str
    kind: str
    channel: str
    at: datetime
    message_id: str = ""
    address: str = ""
    reason: str = ""
    is_permanent: bool = True
    text: str = ""


def take(report: Report, *, now: datetime) -> bool:
    """Write the report down and do what follows from it; False if that was done before."""
    with transaction.atomic():
        delivery = _delivery(report)
        row, is_new = ProviderReport.objects.get_or_create(
            provider=report.provider,
            key=report.key,
            defaults={
                "kind": report.kind,
                "channel": report.channel,
                "message_id": report.message_id,
                "address": _address(report, delivery),
                "delivery": delivery,
                "reason": report.reason[:300],
                "at": report.at,
                "received_at": now,
            },
        )
        if is_new:
            _FOLLOWS[row.kind](report, row)
    return is_new


def address_of(channel: str, number: str) -> str:
    """A telephone number as our messages have it, where one of them went to it."""
    written = Delivery.objects.went_out().filter(channel=channel)
    bare = number.removeprefix(settings.PHONE_PREFIX)
    forms = {number, bare, f"0{bare}", number.replace("+", "00", 1)}
    found = written.filter(address__in=forms).values_list("address", flat=True).first()
    return found or number


def _delivered(report: Report, row: ProviderReport) -> None:
    _move(row, Status.DELIVERED)


def _deferred(report: Report, row: ProviderReport) -> None:
    """It may still arrive. An address that keeps not taking messages is given up."""
    recent = ProviderReport.objects.filter(
        channel=row.channel, address=row.address, at__gte=row.at - SOFT_WITHIN
    )
    last = recent.filter(kind=Kind.DELIVERED).order_by("-at").first()
    since = recent.filter(kind=Kind.DEFERRED)
    if last:
        since = since.filter(at__gt=last.at)
    if since.values("message_id").distinct().count() >= SOFT_BOUNCES:
        _suppress(row, Suppression.Reason.BOUNCE)


def _bounced(report: Report, row: ProviderReport) -> None:
    if _move(row, Status.BOUNCED) and row.delivery:
        fact = MessageBounced(**tracking.about(row.delivery), reason=row.reason)
        timeline.record(row.delivery.customer, fact, at=row.at, key=str(row.delivery.pk))
    if report.is_permanent:
        _suppress(row, Suppression.Reason.BOUNCE)
    else:
        _deferred(report, row)


def _complained(report: Report, row: ProviderReport) -> None:
    if _move(row, Status.COMPLAINED) and row.delivery:
        fact = MessageComplained(**tracking.about(row.delivery))
        timeline.record(row.delivery.customer, fact, at=row.at, key=str(row.delivery.pk))
    _suppress(row, Suppression.Reason.COMPLAINT)
    _unsubscribed(report, row)


def _unsubscribed(report: Report, row: ProviderReport) -> None:
    if row.delivery:
        tracking.unsubscribed(row.delivery, source=row.provider, everything=True, at=row.at)
    else:
        _suppress(row, Suppression.Reason.COMPLAINT)


def _replied(report: Report, row: ProviderReport) -> None:
    if _STOP.fullmatch(report.text):
        _unsubscribed(report, row)
        return
    if row.delivery:
        about = tracking.about(row.delivery)
        fact = MessageReplied(**about, text=report.text[:LONGEST_REPLY])
        timeline.record(row.delivery.customer, fact, at=row.at, key=str(row.pk))


_FOLLOWS: dict[str, Callable[[Report, ProviderReport], None]] = {
    Kind.DELIVERED: _delivered,
    Kind.DEFERRED: _deferred,
    Kind.BOUNCED: _bounced,
    Kind.COMPLAINED: _complained,
    Kind.UNSUBSCRIBED: _unsubscribed,
    Kind.REPLIED: _replied,
}


def _delivery(report: Report) -> Delivery | None:
    """The message that it is about, locked; of an answer without one, the last to this address."""
    rows = Delivery.objects.select_for_update(of=("self",)).select_related(
        "campaign__topic", "customer"
    )
    if report.message_id:
        return rows.filter(message_id=report.message_id).first()
    if report.kind not in (Kind.REPLIED, Kind.UNSUBSCRIBED) or not report.address:
        return None
    theirs = rows.went_out().filter(channel=report.channel, address=report.address)
    return theirs.filter(sent_at__gte=report.at - ANSWER_WITHIN).order_by("-sent_at").first()


def _address(report: Report, delivery: Delivery | None) -> str:
    """Of a message of ours, the address that it went to, whatever the report says."""
    return delivery.address if delivery else report.address.lower()[:255]


def _move(row: ProviderReport, status: Delivery.Status) -> bool:
    """Whether this report changed what is known of the message. It proves that it went out."""
    if not row.delivery:
        return False
    here = Delivery.objects.filter(pk=row.delivery.pk, status__in=_FORWARD[status])
    reason = row.reason if status != Status.DELIVERED else ""
    sent_at = Coalesce(F("sent_at"), F("attempted_at"), row.at)
    return bool(here.update(status=status, reason=reason, sent_at=sent_at))


def _suppress(row: ProviderReport, reason: str) -> None:
    if row.address:
        consent.suppress(channel=row.channel, address=row.address, reason=reason, at=row.at)
