"""Who may send events: write keys, and how fast each may write. Refusing has to be cheap."""

import base64
import binascii

from django.core.cache import cache

from crm.models import Source
from crm.rates import TokenBuckets

CACHE_SECONDS = 10  # a revoked key stops working within this time


def from_header(header: str) -> str:
    """The write key in an Authorization header: Basic with or without a colon, or Bearer."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]


def source_of(write_key: str) -> Source | None:
    """The source that a write key belongs to; None for an unknown or revoked key."""
    if not write_key or len(write_key) > 64:
        return None
    cached = cache.get(f"source:{write_key}")
    if cached is not None:
        return cached or None
    source = Source.objects.filter(write_key=write_key, revoked_at=None).first()
    cache.set(f"source:{write_key}", source or False, CACHE_SECONDS)
    return source


def allows_origin(source: Source, origin: str) -> bool:
    return "*" in source.allowed_origins or origin in source.allowed_origins


def any_allows_origin(origin: str) -> bool:
    """A browser asks before it shows its key, so the answer is that of all keys together."""
    if not origin:
        return False
    allowed = cache.get("tracking:origins")
    if allowed is None:
        rows = Source.objects.filter(revoked_at=None).values_list("allowed_origins", flat=True)
        allowed = {origin for row in rows for origin in row}
        cache.set("tracking:origins", allowed, CACHE_SECONDS)
    return "*" in allowed or origin in allowed


rate_limit = TokenBuckets()


def may_write(source: Source) -> bool:
    """Whether this source has a request left in its second; taken, if so."""
    return rate_limit.take(source.pk, per_second=source.requests_per_second).allowed
