"""Every error of the REST API is an RFC 9457 problem: what is wrong, where, and its request id."""

import logging
from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """What DRF asks for each exception that leaves a view."""
    set_rollback()
    known = _known(error)
    if known is None:
        logger.error("An API view failed", exc_info=error)
        known = exceptions.APIException("Something went wrong here; it was written down.")
    response = Response(_body(known), status=known.status_code, content_type=CONTENT_TYPE)
    if header := getattr(known, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(known, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


@csrf_exempt  # or strangers would read of a cookie that they cannot have
def unknown_route(request: HttpRequest, path: str = "") -> JsonResponse:
    """404 for every address below the API that leads nowhere."""
    error = exceptions.NotFound("There is nothing at this address.")
    return JsonResponse(_body(error), status=404, content_type=CONTENT_TYPE)


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound(*error.args)
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    return error if isinstance(error, exceptions.APIException) else None


def _body(error: exceptions.APIException) -> dict[str, Any]:
    code = getattr(error, "code", None) or error.default_code
    is_list = isinstance(error, exceptions.ValidationError)
    message = "The request is not valid." if is_list else str(error.detail)
    return {
        "type": f"urn:rapport:problem:{code}",
        "title": message,
        "status": error.status_code,
        "code": code,
        "message": message,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
        "errors": list(_pointed(error.detail, "")) if is_list else [],
    }


def _pointed(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Every leaf of a validation error with the place it speaks of."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _pointed(
                inner, pointer if name == "non_field_errors" else f"{pointer}/{name}"
            )
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            is_leaf = not isinstance(inner, dict | list)
            yield from _pointed(inner, pointer if is_leaf else f"{pointer}/{number}")
    else:
        yield {"pointer": pointer, "detail": str(detail)}
