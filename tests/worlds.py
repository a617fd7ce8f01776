"""Random worlds: customers with rows in every table, of any app, that points at a customer."""

from datetime import timedelta
from itertools import count

from django.apps import apps
from django.db import models

from crm import moving
from crm.models import (
    Customer,
    DuplicatePair,
    Event,
    Evidence,
    Identity,
    Merge,
    Order,
    PurchaseChange,
    Touch,
)
from tests.factories import NOON

LAYERS = ["crm", "recommendations", "campaigns", "chatbot"]
TRAILS = (
    Merge,
    Evidence,
    DuplicatePair,
    Touch,
    PurchaseChange,
)  # what is told of merges does not go back with them
_numbers = count(1)

# Unique with a row that people share in this world, or alone.
UNIQUE_NAMES = ("message_id", "key", "address", "number", "token", "aspect", "order")

# May be empty, but not in rows like these: who walks waits until a moment, a broadcast has a segment.
NEEDED = ("due_at", "segment")


def make_person(kinds, *, name="", email="", traits=None, days=0, known=False):
    """A customer with one fresh identifier of each kind."""
    at = NOON + timedelta(days=days)
    person = Customer.objects.create(
        name=name,
        email=email,
        traits=traits or {},
        is_known=known,
        first_seen_at=at,
        last_seen_at=at + timedelta(hours=1),
    )
    for kind in kinds:
        Identity.objects.create(
            customer=person, kind=kind, value=f"{kind}-{next(_numbers)}", first_seen_at=at
        )
    return person


def make_rows(person, *, variant=0):
    """One row in every table that can belong to a customer.

    Rows of one variant hold the same values for each person: where a table allows one such
    row a customer, two people of one variant have the same, and a merge must choose.
    """
    for relation in moving.relations():
        if relation.related_model is not Identity:
            make_row(relation.related_model, variant, **{relation.field.name: person})


def make_row(model, variant, *, fresh=False, **given):
    values = {f.name: _value(f, variant, fresh) for f in model._meta.fields if _is_needed(f)}
    return model._base_manager.create(**(values | given))


def snapshot():
    """Every row of every table of ours, as it stands."""
    return {
        model._meta.label: {
            row.pop(model._meta.pk.name): row for row in model._base_manager.values()
        }
        for app in LAYERS
        for model in apps.get_app_config(app).get_models()
        if model not in TRAILS
    }


def _is_needed(field):
    if field.name in NEEDED:
        return True
    if field.auto_created or field.primary_key:
        return False
    alone = field.unique and not field.has_default()
    return alone or not (field.has_default() or field.null or field.blank)


def _value(field, variant, fresh):
    if isinstance(field, models.ForeignKey):
        return _some(field.related_model, variant)
    if field.choices:
        return list(dict(field.flatchoices))[variant % len(field.flatchoices)]
    if isinstance(field, (models.DateTimeField, models.DateField)):
        return NOON
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.BooleanField):
        return bool(variant % 2)
    if isinstance(field, (models.FloatField, models.DecimalField)):
        return 0.5
    if isinstance(field, models.IntegerField):
        return next(_numbers) if fresh else variant
    unique = fresh or field.unique or field.name in UNIQUE_NAMES
    text = f"{field.name[:8]}-{next(_numbers) if unique else variant}"
    return text[-(field.max_length or len(text)) :]


def _some(model, variant):
    """A row that rows of this variant share."""
    rows = list(model._base_manager.order_by("pk")[: variant + 1])
    while len(rows) <= variant and model is not Customer:
        rows.append(make_row(model, 0, fresh=True))
    return rows[min(variant, len(rows) - 1)]


def event_of(identity, *, at=NOON, **data):
    """An event that came with an identifier, for whoever has it now."""
    identity.refresh_from_db()
    return Event.objects.create(
        customer=identity.customer,
        identity=identity,
        kind="crm.tracked",
        source="test",
        message_id=f"late-{next(_numbers)}",
        data=data,
        happened_at=at,
        received_at=at,
    )


def order_of(person):
    return make_row(Order, 0, customer=person)
