"""Whom a key belongs to, and which customers it opens."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from crm import customers
from crm.models import Customer, Identity, Partner, PartnerKey, Segment
from crm.models.customers import CustomerQuerySet
from crm.models.partners import digest_of
from crm.prepared import Prepared

LONGEST_KEY = 128
# Asked at every request.
KEY_OF = Prepared(
    lambda digest, now: (
        PartnerKey.objects.valid(now=now).select_related("partner").filter(digest=digest)
    ),
    digest=str,
    now=datetime,
)
CUSTOMER_OF = Prepared(
    lambda public_id: Customer.objects.filter(public_id=public_id), public_id=UUID
)


def key_of(text: str, *, now: datetime) -> PartnerKey | None:
    """The valid key of this text with its partner, or None. One query, by its digest."""
    if not text or len(text) > LONGEST_KEY:
        return None
    found: PartnerKey | None = KEY_OF.first(digest=digest_of(text), now=now)
    return found


def customers_of(partner: Partner) -> CustomerQuerySet:
    """The customers that this partner may see; whoever was merged is found as who they are now."""
    everybody = Customer.objects.active()
    if partner.sees_everybody:
        return everybody
    return everybody.filter(memberships__segment__in=partner.segments.all()).distinct()


def segments_of(partner: Partner) -> QuerySet[Segment]:
    """The segments that this partner may see."""
    return Segment.objects.all() if partner.sees_everybody else partner.segments.all()


def find_customer(partner: Partner, reference: str) -> Customer | None:
    """The customer of this id, or of `kind:value` for an identifier, if the partner may see them.

    Somebody else's customer and nobody at all are the same answer.
    """
    found = _by_id(reference) or _by_identifier(reference)
    for _ in range(10):  # a customer who was merged may have been merged again
        if found is None or found.merged_into_id is None:
            break
        found = Customer.objects.filter(pk=found.merged_into_id).first()
    if found is None or found.merged_into_id is not None:
        return None
    may_see = partner.sees_everybody or customers_of(partner).filter(pk=found.pk).exists()
    return found if may_see else None


def _by_id(reference: str) -> Customer | None:
    try:
        public_id = UUID(reference)
    except ValueError:
        return None
    found: Customer | None = CUSTOMER_OF.first(public_id=public_id)
    return found


def _by_identifier(reference: str) -> Customer | None:
    kind, colon, value = reference.partition(":")
    if not colon or kind not in Identity.Kind.values:
        return None
    return customers.find(kind, value)
