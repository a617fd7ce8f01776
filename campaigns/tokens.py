"""Signed words in the addresses of our mails. Who forges one learns nothing and changes nothing."""

from django.conf import settings
from django.core import signing
from django.urls import reverse


class BadToken(Exception):
    """This address was not made by us, or was damaged on its way."""


def open_url(delivery_id: int) -> str:
    return _url("open", str(delivery_id))


def click_url(delivery_id: int, link_id: int) -> str:
    return _url("click", f"{delivery_id}.{link_id}")


def preferences_url(delivery_id: int) -> str:
    return _url("preferences", str(delivery_id))


def read_open(token: str) -> int:
    return _read("open", token, parts=1)[0]


def read_click(token: str) -> tuple[int, int]:
    delivery_id, link_id = _read("click", token, parts=2)
    return delivery_id, link_id


def read_preferences(token: str) -> int:
    return _read("preferences", token, parts=1)[0]


def _url(purpose: str, value: str) -> str:
    path: str = reverse(f"campaigns:{purpose}", args=[_signer(purpose).sign(value)])
    return f"{settings.SITE_URL}{path}"


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
    return signing.Signer(salt=f"campaigns.{purpose}", sep="~")
