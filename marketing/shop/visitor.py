"""Who is looking: the visitor of this browser, known by one first-party cookie.

The chat widget uses the same cookie, so what somebody says in the chat and what they put
in the cart are one person's doing.
"""

import secrets
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from crm import customers
from crm.models import Customer

COOKIE = "rapport_visitor"
YEAR = 365 * 24 * 3600


def token_of(request: HttpRequest) -> str:
    """The visitor's token; a new one where the browser has none (or a nonsense)."""
    token = request.COOKIES.get(COOKIE, "")
    return token if 16 <= len(token) <= 128 else secrets.token_urlsafe(24)


def find(request: HttpRequest) -> Customer | None:
    """The customer of this browser, if they did anything yet. Looking makes nobody.

    A page asks in several places; the database is asked once.
    """
    if not hasattr(request, "_shopper"):
        request._shopper = customers.find(  # type: ignore[attr-defined]
            "anonymous_id", token_of(request)
        )
    shopper: Customer | None = request._shopper  # type: ignore[attr-defined]
    return shopper


def make(token: str, *, language: str, at: datetime) -> Customer:
    """The customer of this token, made when they do something worth remembering."""
    return customers.resolve(
        {"anonymous_id": token}, source="shop", at=at, defaults={"language": language}
    )


def remember(response: HttpResponse, token: str, *, secure: bool) -> None:
    # Not HttpOnly: the widget reads it, to be the same visitor.
    response.set_cookie(COOKIE, token, max_age=YEAR, samesite="Lax", secure=secure)
