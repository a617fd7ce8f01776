"""Rows that belong to a customer, in whatever app, and moving them to another customer.

Moves are set-based: a person with ten thousand events costs as many statements as one with
ten. Where the new owner has such a row already (their consent for a topic, say), theirs stands.
"""

from collections.abc import Collection, Iterator

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.bulk import chunks
from crm.events import OrderPlaced, OrderRefunded
from crm.models import (
    Customer,
    DuplicatePair,
    Event,
    Identity,
    Merge,
    Order,
    PurchaseSummary,
    Touch,
)

CHUNK = 5_000  # ids in one statement
# About the customers, and not theirs: a touch is work waiting to be done, a summary is computed
# of the orders, wherever they go.
NOT_THEIRS = (Customer, Merge, DuplicatePair, PurchaseSummary, Touch)
Moved = dict[str, list[int]]  # table -> ids of its rows


def relations() -> Iterator[models.ManyToOneRel]:
    """Every table, of any app, whose rows belong to a customer.

    A table that has the customer as its key holds what is computed of them: it is computed anew.
    """
    for relation in Customer._meta.related_objects:
        if relation.related_model not in NOT_THEIRS and not relation.field.primary_key:
            yield relation  # type: ignore[misc]  # only foreign keys point at Customer


def move(loser: Customer, winner: Customer) -> Moved:
    """Give all rows of the loser to the winner; return which."""
    moved = {
        relation.related_model._meta.label: _move(
            relation, _rows(relation).filter(**{relation.field.name: loser}), winner
        )
        for relation in relations()
    }
    return {label: ids for label, ids in moved.items() if ids}


def give_back(moved: Moved, *, holders: Collection[int], owner: Customer) -> Moved:
    """Give these rows to the owner, as far as one of the holders has them; return which."""
    given: Moved = {}
    for relation in relations():
        label = relation.related_model._meta.label
        for ids in chunks(moved.get(label, []), CHUNK):
            rows = _rows(relation).filter(pk__in=ids, **{f"{relation.field.name}__in": holders})
            given.setdefault(label, []).extend(_move(relation, rows, owner))
    return given


def of_identities(identities: Collection[int], *, holders: Collection[int]) -> Moved:
    """The identities themselves, the rows that came with them, and the orders told of so."""
    found: Moved = {Identity._meta.label: list(identities)}
    for relation in relations():
        for field in relation.related_model._meta.fields:
            if field.related_model is Identity:
                rows = _rows(relation).filter(
                    **{f"{field.name}__in": identities, f"{relation.field.name}__in": holders}
                )
                found[relation.related_model._meta.label] = list(rows.values_list("pk", flat=True))
    return found


def of_orders_told_in(events: list[int], *, holders: Collection[int]) -> Moved:
    """The orders that these events told of, with what the timeline says of them."""
    found: Moved = {Order._meta.label: [], Event._meta.label: []}
    for some in chunks(events, CHUNK):
        told = Event.objects.filter(pk__in=some, data__has_key="order_id")
        numbers = [str(number) for number in told.values_list("data__order_id", flat=True)]
        orders = Order.objects.filter(
            number__in=[*numbers, *(f"R-{number}" for number in numbers)], customer__in=holders
        )
        pks = list(orders.values_list("pk", flat=True))
        keys = [f"{fact.kind}:{pk}" for fact in (OrderPlaced, OrderRefunded) for pk in pks]
        facts = Event.objects.filter(message_id__in=keys, customer__in=holders)
        found[Order._meta.label] += pks
        found[Event._meta.label] += facts.values_list("pk", flat=True)
    return found


def join(first: Moved, second: Moved) -> Moved:
    return {
        label: sorted({*first.get(label, ()), *second.get(label, ())})
        for label in {**first, **second}
    }


def without(moved: Moved, taken: Moved) -> Moved:
    left = {label: sorted({*ids} - {*taken.get(label, ())}) for label, ids in moved.items()}
    return {label: ids for label, ids in left.items() if ids}


def _rows(relation: models.ManyToOneRel) -> "QuerySet[models.Model]":
    return relation.related_model._base_manager.all()


def _move(
    relation: models.ManyToOneRel, rows: "QuerySet[models.Model]", owner: Customer
) -> list[int]:
    for clash in _clashes(relation, owner):
        rows = rows.exclude(clash)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    for some in chunks(ids, CHUNK):
        _rows(relation).filter(pk__in=some).update(**{relation.field.name: owner})
    return ids


def _clashes(relation: models.ManyToOneRel, owner: Customer) -> Iterator[Q]:
    """For each uniqueness of the table: the rows of which the owner has one already."""
    column = relation.field.name
    for names, condition in _unique(relation.related_model):
        if column in names:
            same = {name: OuterRef(name) for name in names if name != column}
            theirs = _rows(relation).filter(condition, **{column: owner}, **same)
            yield condition & Q(Exists(theirs))


def _unique(model: type[models.Model]) -> Iterator[tuple[tuple[str, ...], Q]]:
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            yield tuple(constraint.fields), constraint.condition or Q()
    for names in model._meta.unique_together:
        yield tuple(names), Q()
    for field in model._meta.fields:
        if field.unique and not field.primary_key:
            yield (field.name,), Q()
