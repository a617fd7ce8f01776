"""The widget's script and stylesheet, at addresses that do not change."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

STATIC = Path(__file__).resolve().parent / "static" / "chatbot"
TYPES = {"widget.js": "text/javascript; charset=utf-8", "widget.css": "text/css; charset=utf-8"}


def widget_file(request: HttpRequest, *, name: str) -> HttpResponse:
    """Cached for an hour by browsers and checked by its digest afterwards."""
    body, etag = _read(name) if not settings.DEBUG else _read.__wrapped__(name)
    if request.headers.get("If-None-Match") == etag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(body, content_type=TYPES[name])
    answer["ETag"] = etag
    answer["Cache-Control"] = "public, max-age=3600"
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@lru_cache
def _read(name: str) -> tuple[bytes, str]:
    body = (STATIC / name).read_bytes()
    return body, f'"{sha256(body).hexdigest()[:20]}"'
