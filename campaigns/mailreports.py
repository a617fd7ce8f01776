"""What a mail provider reports, by way of django-anymail's webhooks and signals."""

import hashlib
from typing import Any

from django.utils import timezone

from campaigns import mailproviders, reports
from campaigns.models import ProviderReport
from crm.models import Channel

Kind = ProviderReport.Kind
KINDS = {
    "delivered": Kind.DELIVERED,
    "deferred": Kind.DEFERRED,
    "bounced": Kind.BOUNCED,
    "rejected": Kind.BOUNCED,
    "failed": Kind.BOUNCED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
# Why a bounce says nothing against the address: a full day, a policy, a template of ours.
PASSING = ("timed_out", "blocked", "spam", "other")


def listen() -> None:
    from anymail import signals

    signals.tracking.connect(track, dispatch_uid="campaigns.track")
    signals.inbound.connect(take_mail, dispatch_uid="campaigns.take_mail")


def track(sender: Any, event: Any, esp_name: str, **_: Any) -> None:
    """Opens and clicks are counted by our own links, which know people from machines."""
    if (kind := KINDS.get(event.event_type)) is None:
        return
    at = event.timestamp or timezone.now()
    report = reports.Report(
        provider=esp_name.lower()[:32],
        key=_key(event.event_id, event.event_type, event.message_id, event.recipient, at),
        kind=kind,
        channel=Channel.EMAIL,
        at=at,
        message_id=(event.metadata or {}).get(mailproviders.METADATA, "")[:255],
        address=event.recipient or "",
        reason=event.mta_response or event.description or event.reject_reason or "",
        is_permanent=event.reject_reason not in PASSING and event.event_type != "failed",
    )
    reports.take(report, now=timezone.now())


def take_mail(sender: Any, event: Any, esp_name: str, **_: Any) -> None:
    """An answer to one of our mails. Out-of-office notes are no answers (RFC 3834)."""
    mail = event.message
    if mail.get("Auto-Submitted", "no").lower() != "no":
        return
    at = event.timestamp or timezone.now()
    author = mail.from_email.addr_spec if mail.from_email else ""
    report = reports.Report(
        provider=esp_name.lower()[:32],
        key=_key(event.event_id, "reply", mail.get("Message-ID"), author, at),
        kind=Kind.REPLIED,
        channel=Channel.EMAIL,
        at=at,
        message_id=mail.get("In-Reply-To", "").strip()[:255],
        address=author,
        text=mail.stripped_text or mail.text or "",
    )
    reports.take(report, now=timezone.now())


def _key(given: str | None, *told: object) -> str:
    """The provider's number of the event, or what tells it from the others."""
    return (given or hashlib.sha256(repr(told).encode()).hexdigest())[:255]
