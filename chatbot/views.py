"""The widget at an address that does not change, and whether something waits for a visitor."""

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatbot import visits

STATIC = Path(__file__).resolve().parent / "static" / "chatbot"
STYLE = '"{{ style }}"'


def widget_file(request: HttpRequest) -> HttpResponse:
    """One script with its style inside. Cached for an hour, checked by its digest afterwards."""
    body, etag = _read() if not settings.DEBUG else _read.__wrapped__()
    if request.headers.get("If-None-Match") == etag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    answer["ETag"] = etag
    answer["Cache-Control"] = "public, max-age=3600"
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@csrf_exempt  # it changes nothing, reads no cookie, and tells a token's owner one bit
@require_POST
def waiting(request: HttpRequest) -> HttpResponse:
    """Did a campaign speak to this visitor, who has no chat open in this browser?"""
    try:
        token = json.loads(request.body[:1000])["visitor"]
    except (ValueError, KeyError, TypeError):
        token = ""
    found = isinstance(token, str) and visits.something_waits(token)
    answer = JsonResponse({"waiting": found})
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "no-store"
    return answer


@lru_cache
def _read() -> tuple[bytes, str]:
    style = json.dumps((STATIC / "widget.css").read_text())
    body = (STATIC / "widget.js").read_text().replace(STYLE, style).encode()
    return body, f'"{sha256(body).hexdigest()[:20]}"'
