"""Where providers report: signed requests only, small ones, and each with an answer that says why.

- `hooks/reports/`: Standard Webhooks (https://www.standardwebhooks.com), for a mail server of
  one's own or a provider that nobody wrote an adapter for. Signed with `REPORTS_SECRET`.
- `hooks/phone/<channel>/`: Twilio's status callbacks and incoming messages, in its own form.
- `hooks/mail/…`: django-anymail's, where `EMAIL_PROVIDER` is set (`campaigns.mailreports`).
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns import reports, texting
from campaigns.models import ProviderReport
from crm.models import Channel

BIGGEST = 64 * 1024
PREFIX = "message."
Kind = ProviderReport.Kind
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
TWILIO_KINDS = {
    "delivered": Kind.DELIVERED,
    "read": Kind.DELIVERED,
    "undelivered": Kind.BOUNCED,
    "failed": Kind.BOUNCED,
}


class BadReport(Exception):
    """The report cannot be understood: which field, and why."""


@csrf_exempt
@require_POST
def standard(request: HttpRequest) -> HttpResponse:
    """204 for a report that was taken, now or before."""
    from standardwebhooks import Webhook, WebhookVerificationError

    if not settings.REPORTS_SECRET:
        raise Http404
    if len(body := _body(request)) > BIGGEST:
        return _refused("too_big", f"at most {BIGGEST} bytes", status=413)
    try:
        Webhook(settings.REPORTS_SECRET).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        return _refused("not_signed", str(error), status=401)
    try:
        report = _standard(json.loads(body), key=request.headers["webhook-id"])
    except BadReport as error:
        return _refused("bad_report", str(error), status=400)
    except (ValueError, RecursionError):
        return _refused("bad_report", "the body is no JSON", status=400)
    reports.take(report, now=timezone.now())
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def phone(request: HttpRequest, channel: str) -> HttpResponse:
    """A status of a message, or a message of a customer, by Twilio."""
    if channel not in texting.SETTINGS:
        raise Http404
    provider = texting.provider_of(channel)
    if not isinstance(provider, texting.Twilio):
        raise Http404
    if len(_body(request)) > BIGGEST:
        return _refused("too_big", f"at most {BIGGEST} bytes", status=413)
    if not _is_twilio(request, provider.token):
        return _refused("not_signed", "the signature does not fit", status=401)
    if report := _twilio(request, channel):
        reports.take(report, now=timezone.now())
    return HttpResponse("<Response/>", content_type="text/xml")


def _standard(told: Any, *, key: str) -> reports.Report:
    if not isinstance(told, dict) or not isinstance(data := told.get("data"), dict):
        raise BadReport("data: it is no object")
    kind = _text(told, "type").removeprefix(PREFIX)
    if kind not in Kind.values:
        names = ", ".join(PREFIX + name for name in Kind.values)
        raise BadReport(f"type: {kind[:40]!r} is none of {names}")
    channel = _text(data, "channel", default=str(Channel.EMAIL))
    if channel not in Channel.values:
        raise BadReport(f"data.channel: {channel[:40]!r} is none of {', '.join(Channel.values)}")
    message_id, address = _text(data, "message_id", default=""), _text(data, "address", default="")
    if not message_id and not address:
        raise BadReport("data: neither message_id nor address says whom it is about")
    return reports.Report(
        provider="webhook",
        key=key[:255],
        kind=kind,
        channel=channel,
        at=_time(told),
        message_id=message_id,
        address=address,
        reason=_text(data, "reason", default="", longest=reports.LONGEST_REPLY),
        is_permanent=data.get("permanent") is not False,
        text=_text(data, "text", default="", longest=BIGGEST),
    )


def _text(
    told: dict[str, Any], name: str, *, default: str | None = None, longest: int = 255
) -> str:
    value = told.get(name, default)
    if not isinstance(value, str):
        raise BadReport(f"{name}: a text is needed")
    if "\x00" in value or len(value) > longest:
        raise BadReport(f"{name}: longer than {longest} characters, or with a null in it")
    return value


def _time(told: dict[str, Any]) -> datetime:
    if "timestamp" not in told:
        return timezone.now()
    try:
        at = parse_datetime(_text(told, "timestamp"))
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at):
        raise BadReport("timestamp: a time with its zone is needed, as 2026-03-04T10:00:00Z")
    return min(at, timezone.now())


def _twilio(request: HttpRequest, channel: str) -> reports.Report | None:
    """What it says; None for a step on the way that says nothing of the end."""
    form = request.POST
    number, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    kind = TWILIO_KINDS.get(status) if status else Kind.REPLIED
    if kind is None:
        return None
    code = int(error) if (error := form.get("ErrorCode", "")).isdigit() else 0
    theirs = form.get("To" if status else "From", "").removeprefix("whatsapp:")
    return reports.Report(
        provider="twilio",
        key=f"{number}:{status}"[:255],
        kind=kind,
        channel=channel,
        at=timezone.now(),
        message_id=request.GET.get("message", "")[:255],
        address=reports.address_of(channel, theirs),
        reason=f"{status} {code or ''}".strip(),
        is_permanent=code in texting.Twilio.WRONG_NUMBER,
        text=form.get("Body", ""),
    )


def _is_twilio(request: HttpRequest, token: str) -> bool:
    """https://www.twilio.com/docs/usage/security: the address and the sorted form, by SHA-1."""
    form = "".join(name + request.POST[name] for name in sorted(request.POST))
    signed = f"{settings.SITE_URL}{request.get_full_path()}{form}".encode()
    wanted = hmac.digest(token.encode(), signed, hashlib.sha1)
    try:
        given = base64.b64decode(request.headers.get("X-Twilio-Signature", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(wanted, given)


def _body(request: HttpRequest) -> bytes:
    """As much of it as may be looked at, and one byte more of what is too much."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > BIGGEST:
        return b" " * (BIGGEST + 1)
    return request.body


def _refused(code: str, why: str, *, status: int) -> JsonResponse:
    return JsonResponse({"code": code, "message": why[:300]}, status=status)
