"""Who is at the other end: visitors, proven identities, and the conversation they go on with."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from chatbot.models import Conversation
from crm import customers
from crm.models import Customer, Evidence
from crm.prepared import Prepared

LONGEST_TOKEN = timedelta(hours=1)
RETURN_WITHIN = timedelta(days=7)  # after that a new conversation begins
NOBODY_YET = ""  # the visitor of a conversation that the shop began
OF_CUSTOMER = Prepared(
    lambda public_id, customer: Conversation.objects.filter(
        public_id=public_id, customer_id=customer
    ),
    public_id=uuid.UUID,
    customer=int,
)


class Unauthorised(Exception):
    """The proof of identity is wrong, or has expired."""


class UnknownConversation(Exception):
    """No such conversation, or somebody else's: the two look the same from outside."""


@dataclass(frozen=True)
class Claim:
    """What a client says about itself in its first frame."""

    visitor: str = ""
    user_id: str = ""
    proof: str = ""
    conversation: str = ""
    language: str = ""


@dataclass(frozen=True)
class Visit:
    """A claim that was checked."""

    visitor: str
    customer: Customer
    conversation: Conversation
    is_verified: bool


def enter(claim: Claim, *, secret: str, now: datetime) -> Visit:
    """Check who this is and open their conversation.

    Raises Unauthorised for a wrong proof, UnknownConversation for a foreign id. A user id
    without a proof counts for nothing: the person is a visitor.
    """
    user_id = proven_user(claim, secret=secret, now=now) if claim.proof else ""
    visitor = claim.visitor if is_token(claim.visitor) else secrets.token_urlsafe(24)
    customer, visitor = _customer(visitor, user_id, claim.language, now=now)
    verified = bool(user_id)
    if claim.conversation:
        conversation = _resume(claim.conversation, customer, verified)
    else:
        conversation = open_for(
            customer, visitor=visitor, is_verified=verified, language=claim.language, now=now
        )
    return Visit(visitor, customer, conversation, verified)


def proven_user(claim: Claim, *, secret: str, now: datetime) -> str:
    """The user id that the proof (an HMAC in hex, or a signed token) stands for."""
    if claim.proof.count(".") == 2:
        return _from_token(claim, secret=secret, now=now)
    right = hmac.new(secret.encode(), claim.user_id.encode(), hashlib.sha256).hexdigest()
    if not claim.user_id or not hmac.compare_digest(right.encode(), claim.proof.lower().encode()):
        raise Unauthorised("user_hash does not match user_id")
    return claim.user_id


def _from_token(claim: Claim, *, secret: str, now: datetime) -> str:
    head, body, signature = claim.proof.split(".")
    right = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    try:
        header, payload = _decoded(head), _decoded(body)
        given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        expires = float(payload["exp"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Unauthorised("the token cannot be read") from None
    if header.get("alg") != "HS256" or not hmac.compare_digest(right, given):
        raise Unauthorised("the token's signature is wrong")
    left = expires - now.timestamp()
    if not 0 < left <= LONGEST_TOKEN.total_seconds():
        raise Unauthorised("the token has expired, or lasts longer than an hour")
    user_id = str(payload.get("user_id") or payload.get("sub") or "")
    if not user_id or (claim.user_id and claim.user_id != user_id):
        raise Unauthorised("the token is for another user")
    return user_id


def _decoded(part: str) -> dict[str, Any]:
    decoded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(decoded, dict):
        raise ValueError("not an object")
    return decoded


def _customer(visitor: str, user_id: str, language: str, *, now: datetime) -> tuple[Customer, str]:
    """The customer, and the token they go on with: a new one where the old one is somebody
    else's, as on a computer that two people share."""
    if not user_id and (known := customers.find("anonymous_id", visitor)):
        return known, visitor  # who comes back, and says nothing new: nothing is written
    spoken = Customer.Language.CHINESE if language.startswith("zh") else Customer.Language.ENGLISH
    defaults = {"language": spoken}
    if user_id:
        owner = customers.find("anonymous_id", visitor)
        known = customers.find("user_id", user_id)
        if owner and owner.is_known and owner != known:
            visitor = secrets.token_urlsafe(24)
        wanted = {"user_id": user_id, "anonymous_id": visitor}
    else:
        wanted = {"anonymous_id": visitor}
    customer = customers.resolve(
        wanted, source="chat", at=now, defaults=defaults, evidence=Evidence.Kind.CHAT
    )
    if user_id:
        customers.verify(customer, "user_id", user_id, source="chat", at=now)
    return customer, visitor


def _resume(public_id: str, customer: Customer, verified: bool) -> Conversation:
    try:
        wanted = uuid.UUID(public_id)
    except ValueError:
        raise UnknownConversation("no such conversation") from None
    found: Conversation | None = OF_CUSTOMER.first(public_id=wanted, customer=customer.pk)
    if found is None or (found.is_verified and not verified):
        raise UnknownConversation("no such conversation")
    if verified and not found.is_verified:
        Conversation.objects.filter(pk=found.pk).update(is_verified=True)
        found.is_verified = True
    return found


@transaction.atomic
def open_for(
    customer: Customer, *, visitor: str, is_verified: bool, language: str, now: datetime
) -> Conversation:
    """The conversation that this visit goes on with, or a new one.

    Without a proof nobody gets back into a conversation that may hold proven things.
    """
    if visitor:
        recent = Conversation.objects.open().filter(
            customer=customer,
            visitor__in=(visitor, NOBODY_YET),
            is_verified=is_verified,
            updated_at__gte=now - RETURN_WITHIN,
        )
        found = recent.order_by("-updated_at", "-id").first()
        if found is not None:
            return _taken_up(found, visitor)
    spoken = (language or customer.language)[:2]
    return Conversation.objects.create(
        customer=customer,
        visitor=visitor,
        is_verified=is_verified,
        language="zh" if spoken == "zh" else "en",
        created_at=now,
        updated_at=now,
    )


def _taken_up(chat: Conversation, visitor: str) -> Conversation:
    if chat.visitor == NOBODY_YET:
        chat.visitor = visitor
        chat.save(update_fields=["visitor"])
    return chat


def something_waits(visitor: str) -> bool:
    """Whether the shop began a conversation with this visitor that needs no proof to be read."""
    customer = customers.find("anonymous_id", visitor) if is_token(visitor) else None
    if customer is None:
        return False
    begun = Conversation.objects.open().filter(
        customer=customer, visitor=NOBODY_YET, is_verified=False, last_seq__gt=0
    )
    return begun.exists()


def is_token(visitor: str) -> bool:
    return 16 <= len(visitor) <= 64 and visitor.isprintable()
