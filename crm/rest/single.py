"""Single objects have an ETag: who changes one may say which state they have seen (RFC 9110)."""

import hashlib
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


class Changed(exceptions.APIException):
    status_code = 412
    default_code = "changed"
    default_detail = _("It has changed since you read it; read it again.")


def tag(data: Any) -> str:
    """Strong: equal tags are equal bytes."""
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def answer(
    request: Request, data: Any, *, status: int = 200, etag: str = "", **headers: str
) -> Response:
    """The object with its tag, or 304 to who has it already. etag: of its own, where what is told
    of it changes by itself."""
    etag = etag or tag(data)
    headers["ETag"] = etag
    if request.method in ("GET", "HEAD") and _names(request, "If-None-Match", etag):
        return Response(status=304, headers=headers)
    return Response(data, status=status, headers=headers)


def check(request: Request, data: Any = None, *, etag: str = "") -> None:
    """Raise Changed where `If-Match` names another state than this one."""
    if request.headers.get("If-Match") and not _names(request, "If-Match", etag or tag(data)):
        raise Changed


def _names(request: Request, header: str, etag: str) -> bool:
    said = request.headers.get(header, "")
    named = {one.strip().removeprefix("W/") for one in said.split(",")}
    return said.strip() == "*" or etag in named
