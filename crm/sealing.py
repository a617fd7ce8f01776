"""Secrets that have to be read again are kept sealed: a copy of the database does not hold them.

`FIELD_ENCRYPTION_KEYS` are Fernet keys, newest first: the first seals, all of them open, so that
a key is changed by putting another in front. Without any (on a laptop) it is one made of the
installation's own secret.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unsealable(Exception):
    """None of the keys opens this: FIELD_ENCRYPTION_KEYS lacks the one that sealed it."""


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unsealable."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unsealable("FIELD_ENCRYPTION_KEYS has no key that opens this") from None


def _box() -> MultiFernet:
    keys = settings.FIELD_ENCRYPTION_KEYS or [_own_key()]
    return MultiFernet([Fernet(key) for key in keys])


def _own_key() -> bytes:
    digest = hashlib.sha256(b"sealing:" + settings.SECRET_KEY.encode()).digest()
    return base64.urlsafe_b64encode(digest)
