"""Signed words in the addresses of our mails. Who forges one learns nothing and changes nothing."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.urls import reverse

SEPARATOR = "~"


class BadToken(Exception):
    """This address was not made by us, or was damaged on its way."""


def open_url(delivery_id: int) -> str:
    return _url("open", str(delivery_id))


def click_url(delivery_id: int, link_id: int) -> str:
    return _url("click", f"{delivery_id}.{link_id}")


def trap_url(delivery_id: int) -> str:
    """A link that no person can see; see `tracking.TRAP`."""
    return click_url(delivery_id, 0)


def preferences_url(delivery_id: int) -> str:
    return _url("preferences", str(delivery_id))


def phone_report_url(channel: str, message_id: str) -> str:
    """Where a provider tells what became of a message; it signs what it sends there itself."""
    path = reverse("campaigns:phone_reports", args=[channel])
    return f"{settings.SITE_URL}{path}?{urlencode({'message': message_id})}"


def read_open(token: str) -> int:
    return _read("open", token, parts=1)[0]


def read_click(token: str) -> tuple[int, int]:
    delivery_id, link_id = _read("click", token, parts=2)
    return delivery_id, link_id


def read_preferences(token: str) -> int:
    return _read("preferences", token, parts=1)[0]


def _url(purpose: str, value: str) -> str:
    before, after = _path(purpose)
    key = _key(f"campaigns.{purpose}", settings.SECRET_KEY)
    digest = hmac.digest(key, value.encode(), hashlib.sha256)
    signature = urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{settings.SITE_URL}{before}{value}{SEPARATOR}{signature}{after}"


def _read(purpose: str, token: str, *, parts: int) -> list[int]:
    try:
        numbers = [int(part) for part in _signer(purpose).unsign(token).split(".")]
    except (signing.BadSignature, ValueError):
        raise BadToken(purpose) from None
    if len(numbers) != parts:
        raise BadToken(purpose)
    return numbers


def _signer(purpose: str) -> signing.Signer:
    """A word signed for one purpose is worth nothing for another."""
    return signing.Signer(salt=f"campaigns.{purpose}", sep=SEPARATOR)


@lru_cache
def _key(salt: str, secret: str) -> bytes:
    """The key that Signer derives again for every word; a mail carries five of them."""
    return hashlib.sha256(f"{salt}signer{secret}".encode()).digest()


@lru_cache
def _path(purpose: str) -> tuple[str, str]:
    before, _, after = str(reverse(f"campaigns:{purpose}", args=["TOKEN"])).partition("TOKEN")
    return before, after
