"""Find, create, merge and part customers. Identifiers are evidence of who somebody is."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from crm.models import Customer, Identity, Merge

STRONGEST_FIRST = (
    Identity.Kind.USER_ID,
    Identity.Kind.EMAIL,
    Identity.Kind.PHONE,
    Identity.Kind.ANONYMOUS_ID,
)


class NoIdentifier(Exception):
    """Nobody can be found or made without at least one identifier."""


class NotMergeable(Exception):
    """The two are verified as different people; only staff may join them."""


def normalise(kind: str, value: object) -> str:
    """One spelling per identifier: full-width letters, case and blanks do not make a new person."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if kind == Identity.Kind.EMAIL:
        return text.lower()
    if kind == Identity.Kind.PHONE:
        return "".join(c for c in text if c.isdigit() or c == "+")
    return text


def find(kind: str, value: object) -> Customer | None:
    identity = (
        Identity.objects.filter(kind=kind, value=normalise(kind, value))
        .select_related("customer")
        .first()
    )
    return identity.customer if identity else None


def resolve(
    identifiers: Mapping[str, object],
    *,
    source: str,
    at: datetime,
    defaults: Mapping[str, Any] | None = None,
) -> Customer:
    """Return the customer whom these identifiers mean, made or merged where needed.

    A visitor who identifies becomes known; if the known person exists already, the
    visitor is merged into them. People who are known by different user ids never join.
    Raises NoIdentifier when every value is empty.
    """
    wanted = _clean(identifiers)
    if not wanted:
        raise NoIdentifier("give at least one of " + ", ".join(STRONGEST_FIRST))
    try:
        with transaction.atomic():
            return _resolve(wanted, source=source, at=at, defaults=defaults or {})
    except IntegrityError:  # someone else made the same person at this moment: find them
        with transaction.atomic():
            return _resolve(wanted, source=source, at=at, defaults=defaults or {})


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


def attach(customer: Customer, kind: str, value: object, *, source: str, at: datetime) -> bool:
    """Add an identifier to a customer if nobody has it; return whether they have it now."""
    identity, _ = Identity.objects.get_or_create(
        kind=kind,
        value=normalise(kind, value),
        defaults={"customer": customer, "source": source, "first_seen_at": at},
    )
    return identity.customer_id == customer.pk


@transaction.atomic
def merge(winner: Customer, loser: Customer, *, evidence: str, source: str, at: datetime) -> Merge:
    """Give everything the loser has to the winner, and write down what was moved.

    Where the winner has such a row already (their consent for a topic, say), theirs stands.
    Raises NotMergeable for two different user ids.
    """
    if _has_other_user_id(winner, loser):
        raise NotMergeable(f"{winner} and {loser} are known by different user ids")
    moved = {
        relation.related_model._meta.label: _move(relation, winner, loser)
        for relation in _relations()
    }
    winner.first_seen_at = min(winner.first_seen_at, loser.first_seen_at)
    winner.last_seen_at = max(winner.last_seen_at, loser.last_seen_at)
    winner.is_known = winner.is_known or loser.is_known
    for name in ("name", "email", "phone"):
        setattr(winner, name, getattr(winner, name) or getattr(loser, name))
    winner.save()
    loser.merged_into = winner
    loser.save(update_fields=["merged_into"])
    return Merge.objects.create(
        winner=winner,
        loser=loser,
        evidence=evidence,
        source=source,
        merged_at=at,
        moved={label: ids for label, ids in moved.items() if ids},
    )


@transaction.atomic
def unmerge(merge: Merge, *, at: datetime) -> Customer:
    """Give the loser back what was moved; return them. Doing it twice changes nothing."""
    if merge.undone_at is not None:
        return merge.loser
    for relation in _relations():
        ids = merge.moved.get(relation.related_model._meta.label, [])
        column = relation.field.name
        relation.related_model._base_manager.filter(pk__in=ids, **{column: merge.winner}).update(
            **{column: merge.loser}
        )
    merge.loser.merged_into = None
    merge.loser.save(update_fields=["merged_into"])
    merge.undone_at = at
    merge.save(update_fields=["undone_at"])
    return merge.loser


def _clean(identifiers: Mapping[str, object]) -> dict[str, str]:
    pairs = (
        (kind, normalise(kind, identifiers[kind]))
        for kind in STRONGEST_FIRST
        if identifiers.get(kind) is not None
    )
    return {kind: value for kind, value in pairs if value}


def _resolve(
    wanted: dict[str, str], *, source: str, at: datetime, defaults: Mapping[str, Any]
) -> Customer:
    owners = _owners(wanted)
    customer = next((o for o in owners if _compatible(o, wanted)), None)
    if customer is None:
        customer = Customer.objects.create(first_seen_at=at, last_seen_at=at, **defaults)
    for other in owners:
        if other.pk != customer.pk and not other.is_known:
            evidence = ", ".join(f"{kind}={value}" for kind, value in wanted.items())
            merge(customer, other, evidence=evidence[:255], source=source, at=at)
    for kind, value in wanted.items():
        attach(customer, kind, value, source=source, at=at)
    if not customer.is_known and set(wanted) - {Identity.Kind.ANONYMOUS_ID}:
        customer.is_known = True
        customer.save(update_fields=["is_known"])
    return customer


def _owners(wanted: dict[str, str]) -> list[Customer]:
    """Who has these identifiers now; the owner of the strongest first."""
    query = models.Q()
    for kind, value in wanted.items():
        query |= models.Q(kind=kind, value=value)
    found = Identity.objects.filter(query).select_related("customer")
    by_kind = {identity.kind: identity.customer for identity in found}
    ordered = [by_kind[kind] for kind in STRONGEST_FIRST if kind in by_kind]
    return list({customer.pk: customer for customer in ordered}.values())


def _compatible(customer: Customer, wanted: dict[str, str]) -> bool:
    user_id = wanted.get(Identity.Kind.USER_ID)
    if user_id is None:
        return True
    known = customer.identities.filter(kind=Identity.Kind.USER_ID).values_list("value", flat=True)
    return not known or user_id in known


def _has_other_user_id(winner: Customer, loser: Customer) -> bool:
    ids = [
        set(c.identities.filter(kind=Identity.Kind.USER_ID).values_list("value", flat=True))
        for c in (winner, loser)
    ]
    return bool(ids[0] and ids[1] and ids[0].isdisjoint(ids[1]))


def _relations() -> Iterable[models.ManyToOneRel]:
    """Every table, of any app, whose rows belong to a customer."""
    for relation in Customer._meta.related_objects:
        if relation.related_model not in (Customer, Merge):
            yield relation  # type: ignore[misc]  # only foreign keys point at Customer


def _move(relation: models.ManyToOneRel, winner: Customer, loser: Customer) -> list[int]:
    rows = relation.related_model._base_manager.filter(**{relation.field.name: loser})
    moved = []
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        try:
            with transaction.atomic():
                rows.filter(pk=pk).update(**{relation.field.name: winner})
            moved.append(pk)
        except IntegrityError:  # the winner has such a row: theirs stands
            continue
    return moved
