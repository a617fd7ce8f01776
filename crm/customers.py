"""Find, create, merge and part customers. Identifiers are evidence of who somebody is."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from crm import evidence as graph
from crm.evidence import STRONGEST_FIRST
from crm.merging import NotMergeable, merge, survivor, unmerge
from crm.models import Customer, DuplicatePair, Evidence, Identity
from crm.prepared import Prepared
from crm.segments import touches

__all__ = [
    "NoIdentifier",
    "NotMergeable",
    "attach",
    "find",
    "merge",
    "normalise",
    "resolve",
    "resolve_user_ids",
    "survivor",
    "unmerge",
    "verify",
]

NOT_DIGITS = re.compile(r"[^0-9]+")
MOBILE_OF_CHINA = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
# How likely two people are one who share an identifier of this kind; staff see it and decide.
DOUBT = {Identity.Kind.USER_ID: 0.9, Identity.Kind.EMAIL: 0.9, Identity.Kind.PHONE: 0.8}
ADDRESSES = (Identity.Kind.EMAIL, Identity.Kind.PHONE)  # whoever reads there has confirmed it
HAVING = Prepared(
    lambda kind, value: Identity.objects.filter(kind=kind, value=value).select_related("customer"),
    kind=str,
    value=str,
)


class NoIdentifier(Exception):
    """Nobody can be found or made without at least one identifier."""


def normalise(kind: str, value: object) -> str:
    """One spelling per identifier: width, case, blanks and dialling prefixes make no new person.

    Normalising twice changes nothing more.
    """
    text = str(value).replace("\0", "")
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip()
    if kind == Identity.Kind.EMAIL:
        plain = text.isascii() and text.isprintable() and " " not in text
        return text.lower() if plain else _address(text)
    if kind == Identity.Kind.PHONE:
        return _phone(text)
    return text


def _address(text: str) -> str:
    """Without blanks and invisible characters; the Chinese full stop is a dot."""
    lower = unicodedata.normalize("NFKC", text.lower().replace("。", "."))
    kept = "".join(c for c in lower if not c.isspace() and unicodedata.category(c)[0] != "C")
    return kept if kept == text else _address(kept)  # what is left may combine anew


def _phone(text: str) -> str:
    if text.isascii():
        digits = NOT_DIGITS.sub("", text)
    else:
        digits = "".join(str(unicodedata.digit(c)) for c in text if c.isdigit())
    if text.startswith("+"):
        digits = "+" + digits
    elif digits.startswith("00"):
        digits = "+" + digits.lstrip("0")
    mobile = MOBILE_OF_CHINA.fullmatch(digits)
    return f"+86{mobile[1]}" if mobile else digits.removesuffix("+")


def find(kind: str, value: object) -> Customer | None:
    identity = HAVING.first(kind=kind, value=normalise(kind, value))
    return identity.customer if identity else None


def resolve(
    identifiers: Mapping[str, object],
    *,
    source: str,
    at: datetime,
    defaults: Mapping[str, Any] | None = None,
    evidence: str = Evidence.Kind.IDENTIFY,
) -> Customer:
    """Return the customer whom these identifiers mean, made or merged where needed.

    A visitor who identifies becomes known; if the known person exists already, the
    visitor is merged into them. Two people who are both known never join here: the pair is
    filed for staff. Raises NoIdentifier when every value is empty.
    """
    wanted = _clean(identifiers)
    if not wanted:
        raise NoIdentifier("give at least one of " + ", ".join(STRONGEST_FIRST))
    said = _Said(evidence, source, at)
    try:
        with transaction.atomic():
            return _resolve(wanted, said, defaults or {})
    except IntegrityError:  # someone else made the same person at this moment: find them
        with transaction.atomic():
            return _resolve(wanted, said, defaults or {})


def resolve_user_ids(user_ids: Iterable[str], *, source: str, at: datetime) -> dict[str, int]:
    """Return the customer id of each user id, making the missing ones with few statements.

    For imports of many; `resolve` is the door for one person with several identifiers.
    """
    # Two spellings may be one identifier: "42" in full-width digits is 42.
    spelt = {value: normalise(Identity.Kind.USER_ID, value) for value in user_ids}
    found = _ids_of(spelt.values())
    missing = [value for value in dict.fromkeys(spelt.values()) if value not in found]
    if missing:
        with transaction.atomic():
            made = Customer.objects.bulk_create(
                Customer(is_known=True, first_seen_at=at, last_seen_at=at) for _ in missing
            )
            touches.touch((customer.pk for customer in made), touches.EVERYTHING)
            Identity.objects.bulk_create(
                Identity(
                    customer=customer,
                    kind=Identity.Kind.USER_ID,
                    value=value,
                    source=source,
                    first_seen_at=at,
                )
                for customer, value in zip(made, missing, strict=True)
            )
        found |= {value: customer.pk for customer, value in zip(made, missing, strict=True)}
    return {original: found[value] for original, value in spelt.items()}


def _ids_of(user_ids: Iterable[str]) -> dict[str, int]:
    known = Identity.objects.filter(kind=Identity.Kind.USER_ID, value__in=list(user_ids))
    return dict(known.values_list("value", "customer_id"))


def attach(  # noqa: PLR0913  (what, of whom, said how, by whom, when)
    customer: Customer,
    kind: str,
    value: object,
    *,
    source: str,
    at: datetime,
    evidence: str = Evidence.Kind.IDENTIFY,
) -> bool:
    """Add an identifier to a customer if nobody has it; return whether they have it now."""
    identity = _attach(
        customer, (kind, normalise(kind, value)), _Said(evidence, source, at), beside=None
    )
    return identity.customer_id == customer.pk


@transaction.atomic
def verify(customer: Customer, kind: str, value: object, *, source: str, at: datetime) -> bool:
    """Note that an identifier was proven to be theirs; return whether that is news.

    One that they do not have is not given to them: who proves somebody else's proves nothing here.
    """
    fresh = customer.identities.filter(kind=kind, value=normalise(kind, value), verified_at=None)
    identity = fresh.first()
    if identity is None or not fresh.update(verified_at=at):
        return False
    if kind in ADDRESSES and (known := graph.strongest(customer, besides=[identity.pk])):
        graph.link(known, identity, kind=Evidence.Kind.VERIFIED, source=source, at=at)
    return True


def _clean(identifiers: Mapping[str, object]) -> dict[str, str]:
    pairs = (
        (kind, normalise(kind, identifiers[kind]))
        for kind in STRONGEST_FIRST
        if identifiers.get(kind) is not None
    )
    return {kind: value for kind, value in pairs if value}


@dataclass(frozen=True)
class _Said:
    """How we came to know: the kind of evidence, who says so, and when."""

    kind: str
    source: str
    at: datetime


def _resolve(wanted: dict[str, str], said: _Said, defaults: Mapping[str, Any]) -> Customer:
    known = _known(wanted)
    owners = list({i.customer_id: i.customer for i in known}.values())
    customer = next((o for o in owners if _compatible(o, wanted)), None)
    if customer is None:
        customer = Customer.objects.create(first_seen_at=said.at, last_seen_at=said.at, **defaults)
        touches.touch([customer.pk], touches.EVERYTHING)
    anchor = next((i for i in known if i.customer_id == customer.pk), None)
    for other in owners:
        if other.pk != customer.pk:
            customer = _join(customer, other, wanted, said)
    held = {(identity.kind, identity.value) for identity in known}
    for pair in wanted.items():
        if pair not in held:
            identity = _attach(customer, pair, said, beside=anchor)
            anchor = anchor or identity
    if not customer.is_known and set(wanted) - {Identity.Kind.ANONYMOUS_ID}:
        customer.is_known = True
        customer.save(update_fields=["is_known"])
        touches.touch_fields(customer, "is_known")
    return customer


def _join(customer: Customer, other: Customer, wanted: dict[str, str], said: _Said) -> Customer:
    """Merge a visitor into the customer; two known people are left to staff."""
    if not other.is_known:
        words = ", ".join(f"{kind}={value}" for kind, value in wanted.items())
        with suppress(NotMergeable):  # staff have parted them
            return merge(
                customer,
                other,
                evidence=words[:255],
                source=said.source,
                at=said.at,
                kind=said.kind,
            ).winner
    else:
        _file(customer, other, wanted, at=said.at)
    return customer


def _file(one: Customer, other: Customer, wanted: Mapping[str, str], *, at: datetime) -> None:
    """File two people who were named in one breath; once, and not again once decided."""
    theirs = other.identities.filter(kind__in=wanted, value__in=wanted.values())
    kinds = sorted(
        {identity.kind for identity in theirs if wanted[identity.kind] == identity.value}
    )
    first, second = sorted((one, other), key=lambda customer: customer.pk)
    DuplicatePair.objects.get_or_create(
        one=first,
        other=second,
        defaults={
            "score": max((DOUBT.get(Identity.Kind(kind), 0.3) for kind in kinds), default=0.3),
            "reasons": [{"field": kind, "how": "named_together"} for kind in kinds],
            "found_at": at,
        },
    )


def _attach(
    customer: Customer, pair: tuple[str, str], said: _Said, *, beside: Identity | None
) -> Identity:
    """The identifier, made if nobody has it, with an edge to the one that it was said beside."""
    kind, value = pair
    identity, is_new = Identity.objects.get_or_create(
        kind=kind,
        value=value,
        defaults={"customer": customer, "source": said.source, "first_seen_at": said.at},
    )
    if is_new and (known := beside or graph.strongest(customer)):
        graph.link(known, identity, kind=said.kind, source=said.source, at=said.at)
    return identity


def _known(wanted: dict[str, str]) -> list[Identity]:
    """Those of these identifiers that somebody has, the strongest first."""
    query = Q()
    for kind, value in wanted.items():
        query |= Q(kind=kind, value=value)
    found = Identity.objects.filter(query).select_related("customer")
    return sorted(found, key=lambda identity: STRONGEST_FIRST.index(Identity.Kind(identity.kind)))


def _compatible(customer: Customer, wanted: dict[str, str]) -> bool:
    user_id = wanted.get(Identity.Kind.USER_ID)
    if user_id is None:
        return True
    known = customer.identities.filter(kind=Identity.Kind.USER_ID).values_list("value", flat=True)
    return not known or user_id in known
