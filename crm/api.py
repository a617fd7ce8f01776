"""The tracking endpoints: bytes in, one answer out. Lean on purpose: DRF costs four times it.

Success is exactly 200 after the commit: 202 and 204 make three client libraries send again.
Errors carry `code` and `message` beside the fields of RFC 9457.
"""

import json
from datetime import datetime
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from crm import tracking, write_keys
from crm.envelope import (
    CALLS,
    MAX_BODY,
    Envelope,
    TooLarge,
    Unreadable,
    open_envelope,
)
from crm.models import Source

SHORT = {
    "i": "identify",
    "t": "track",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": "batch",
}
SUCCESS = b'{"success": true}'


@csrf_exempt
def track(request: HttpRequest, call: str) -> HttpResponse:
    """POST /v1/{identify,track,page,screen,group,alias,batch,import} and the short forms."""
    call = SHORT.get(call, call)
    if call not in (*CALLS, "batch", "import"):
        return problem(404, "not_found", "No such call.")
    if request.method == "OPTIONS":
        return _with_origin(HttpResponse(status=204), request)
    if request.method != "POST":
        response = problem(405, "method_not_allowed", "Use POST.")
        response["Allow"] = "POST, OPTIONS"
        return response
    return _with_origin(_answer(request, call, now=timezone.now()), request)


def settings(request: HttpRequest, write_key: str) -> HttpResponse:
    """GET /v1/projects/{writeKey}/settings: what the browser library asks before it starts."""
    source = write_keys.source_of(write_key)
    if source is None:
        return problem(404, "invalid_write_key", "No source has this write key.")
    body = {"integrations": {"Segment.io": {"apiKey": write_key, "apiHost": request.get_host()}}}
    return _with_origin(_json(200, body), request)


class Refused(Exception):
    """This request is not taken; `response` says why."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


def _answer(request: HttpRequest, call: str, *, now: datetime) -> HttpResponse:
    try:
        key = write_keys.from_header(request.headers.get("Authorization", ""))
        source = _admit(key) if key else None  # before the body is read: refusing is cheap
        envelope = open_envelope(_body(request), call=call, received_at=now)
        source = source or _admit(envelope.write_key)
        return _store(source, envelope, request, call=call, now=now)
    except Refused as refused:
        return refused.response
    except TooLarge as error:
        return problem(413, "too_large", str(error))
    except Unreadable as error:
        return problem(400, "invalid_request", str(error))
    except OperationalError:
        return _retry(503, "unavailable", "The database cannot be reached; send again.")


def _admit(write_key: str) -> Source:
    source = write_keys.source_of(write_key)
    if source is None:
        raise Refused(problem(401, "invalid_write_key", "No source has this write key."))
    if not write_keys.may_write(source):
        raise Refused(_retry(429, "rate_limited", "Too many requests for this write key."))
    return source


def _store(
    source: Source, envelope: Envelope, request: HttpRequest, *, call: str, now: datetime
) -> HttpResponse:
    origin = request.headers.get("Origin", "")
    if origin and source.allowed_origins and not write_keys.allows_origin(source, origin):
        return problem(403, "origin_not_allowed", f"This key is not for {origin}.")
    receipt = tracking.accept(source, envelope, received_at=now)
    if receipt.unreadable and call not in ("batch", "import"):
        # A single call can be refused to its sender's face; it is kept all the same.
        return problem(400, "invalid_request", receipt.unreadable[0])
    return HttpResponse(SUCCESS, content_type="application/json")


def _body(request: HttpRequest) -> bytes:
    """Read at most the limit, whatever Content-Length says."""
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body is over {MAX_BODY} bytes")
    return body


def problem(status: int, code: str, message: str) -> HttpResponse:
    """An RFC 9457 problem. `code` and `message` are for client libraries that know no other."""
    body = {
        "type": f"urn:rapport:problem:{code}",
        "title": message,
        "status": status,
        "code": code,
        "message": message,
    }
    return _json(status, body, content_type="application/problem+json")


def _json(
    status: int, body: dict[str, Any], *, content_type: str = "application/json"
) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type=content_type)


def _retry(status: int, code: str, message: str) -> HttpResponse:
    response = problem(status, code, message)
    response["Retry-After"] = "1"
    return response


def _with_origin(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    origin = request.headers.get("Origin", "")
    if origin and write_keys.any_allows_origin(origin):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Vary"] = "Origin"
    return response
