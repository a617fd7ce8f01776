"""Placements and actions for tests: plain functions, fixed time."""

from itertools import count

from campaigns.models import Action, Placement, PolicyProposal
from crm import artifacts
from tests.factories import NOON, make_customer, make_topic

_numbers = count(1)


def make_placement(slug=None, **fields):
    slug = slug or f"place-{next(_numbers)}"
    return Placement.objects.create(slug=slug, name_en=slug.title(), name_zh="位置", **fields)


def make_action(placement, slug=None, **fields):
    slug = slug or f"action-{next(_numbers)}"
    values = {"name_en": slug.title(), "name_zh": f"动作{slug}"}
    return Action.objects.create(placement=placement, slug=slug, **(values | fields))


def make_home(*slugs, **fields):
    """A placement on the site, with an action for each of these words."""
    placement = make_placement(**fields)
    return placement, [make_action(placement, slug) for slug in slugs or ("a", "b", "c")]


def approved(placement, artifact, *, state="approved", now=NOON):
    """A person has let this policy serve there."""
    proposal, _ = PolicyProposal.objects.update_or_create(
        artifact=artifact,
        defaults={"placement": placement, "state": state},
        create_defaults={
            "placement": placement,
            "state": state,
            "kind": "linucb",
            "evaluation": {"gain": {"value": 0.1, "lower": None, "upper": None}},
            "made_at": now,
        },
    )
    artifacts.promote(artifact, now=now)
    return proposal


def make_people(number, **fields):
    return [make_customer(f"Ada{n}", **fields) for n in range(number)]


__all__ = [
    "NOON",
    "approved",
    "make_action",
    "make_home",
    "make_people",
    "make_placement",
    "make_topic",
]
