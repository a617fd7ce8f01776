"""To whom a campaign speaks: the members of its segment, their addresses, their message ids."""

import hashlib
import hmac
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet

from campaigns.models import BY_PHONE, Campaign
from crm.models import Channel, Membership


class EmptyAudience(Exception):
    """The segment of the campaign has no members to write to."""


class Member(NamedTuple):
    customer_id: int
    email: str
    phone: str
    public_id: object

    def address(self, channel: str) -> str:
        if channel == Channel.EMAIL:
            return self.email.strip().lower()
        return self.phone if channel in BY_PHONE else str(self.public_id)


def size(campaign: Campaign) -> int:
    return _members(campaign).count()


def customers(campaign: Campaign) -> QuerySet[Membership, int]:
    """The ids of its members, as a subquery."""
    return _members(campaign).values_list("customer_id", flat=True)


def refuse_empty(campaign: Campaign) -> None:
    """Raise EmptyAudience when nobody would be in it."""
    if not _members(campaign).exists():
        raise EmptyAudience(f"The segment “{campaign.segment}” has no members.")


def _members(campaign: Campaign) -> QuerySet[Membership]:
    return Membership.objects.filter(segment=campaign.segment_id, customer__merged_into=None)


def message_id(campaign_id: int, customer_id: int, *, occurrence: int = 0) -> str:
    """Fixed by whom it is for, so that a message handed over again is known for the same."""
    again = f" {occurrence}" if occurrence else ""
    subject = f"message {campaign_id} {customer_id}{again}".encode()
    digest = hmac.digest(secret(), subject, hashlib.sha256).hex()[:32]
    return f"<{digest}@{_host()}>"


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def secret() -> bytes:
    return hashlib.sha256(f"campaigns.audiences {settings.SECRET_KEY}".encode()).digest()
