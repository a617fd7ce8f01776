"""The OpenAPI document, and a page to try it at. Both hold no secret, so nobody needs a key.

The views are made when they are first asked for: they bring along what no other request needs.
"""

from functools import cache
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import AllowAny

OPEN: dict[str, Any] = {"permission_classes": (AllowAny,), "authentication_classes": ()}


def schema(request: HttpRequest) -> HttpResponseBase:
    """GET: the document, as YAML, or as JSON to who asks for JSON."""
    answer: HttpResponseBase = _views()[0](request)
    return answer


# Swagger writes its styles as it goes; scripts stay those of this server.
@csp_update({"style-src": ["'unsafe-inline'"]})
def docs(request: HttpRequest) -> HttpResponseBase:
    """GET: the calls, to read and to try."""
    answer: HttpResponseBase = _views()[1](request)
    return answer


@cache
def _views() -> tuple[Any, Any]:
    from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

    return (
        SpectacularAPIView.as_view(**OPEN),
        SpectacularSwaggerSplitView.as_view(**OPEN, url_name="api-schema"),
    )
