"""A rule beside what there is: segments it may be built on, circles, and names nobody knows."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from crm.models import Brand, Category, Customer, Event, Product, Score, Segment, Topic
from crm.segments import language as lang
from crm.segments import reading, sentences
from crm.segments.language import BadRule
from crm.segments.parsing import parse
from crm.segments.sql import JsonThere

LOOKED_AT = 20_000  # the newest customers, for a trait that somebody may have


def parsed(segment: Segment) -> lang.Part:
    """The tree of a saved rule. Raises BadRule."""
    return _parsed(json.dumps(segment.rule))


@lru_cache(maxsize=1000)
def _parsed(rule: str) -> lang.Part:
    return parse(json.loads(rule))


def checked(rule: Any, *, of: Segment | None = None) -> lang.Part:
    """The tree of a rule that can be used, as the rule of this segment if one is given."""
    part = parse(rule)
    inside = [leaf for leaf in lang.leaves(part) if isinstance(leaf, lang.Inside)]
    if not inside:
        return part
    others = {s.slug: s for s in Segment.objects.all()}
    for leaf in inside:
        if leaf.slug not in others:
            raise BadRule(f"{leaf.where}.segment", _no_segment(leaf.slug))
    parts = {slug: tree for slug, s in others.items() if (tree := _or_none(s)) is not None}
    if of is not None and of.slug:
        parts[of.slug] = part
        if path := _circle(parts, of.slug):
            where = next(leaf.where for leaf in inside if leaf.slug == path[1])
            raise BadRule(f"{where}.segment", _round(path))
    return part


def unusable(parts: Mapping[str, lang.Part]) -> dict[str, str]:
    """What is wrong with rules that can be read: segments that are gone, and circles."""
    slugs = set(Segment.objects.values_list("slug", flat=True)) if parts else set()
    wrong: dict[str, str] = {}
    for slug, part in parts.items():
        if gone := reading.parents(part) - slugs:
            wrong[slug] = _no_segment(min(gone))
        elif path := _circle(parts, slug):
            wrong[slug] = _round(path)
    return wrong


def warnings(part: lang.Part) -> list[str]:
    """What the rule names and nobody has ever had: allowed, for it may yet come, but shown."""
    found = []
    for leaf in lang.leaves(part):
        if text := _unheard_of(leaf):
            found.append(text)
    return found


def _unheard_of(leaf: lang.Leaf) -> str:
    known: dict[type, Callable[[Any], str]] = {
        lang.Trait: _trait_nobody_has,
        lang.Happened: _never_happened,
        lang.Ordered: _not_sold,
        lang.Scored: _not_scored,
        lang.Agreed: _no_topic,
    }
    check = known.get(type(leaf))
    return check(leaf) if check else ""


def _trait_nobody_has(leaf: lang.Trait) -> str:
    newest = Customer.objects.order_by("-pk").values("pk")[:LOOKED_AT]
    there = Customer.objects.filter(pk__in=newest).filter(JsonThere("traits", leaf.test.path))
    name = {"name": ".".join(leaf.test.path)}
    return "" if there.exists() else _("No customer has the trait “%(name)s”.") % name


def _never_happened(leaf: lang.Happened) -> str:
    if Event.objects.filter(kind=leaf.kind).exists():
        return ""
    name = _(sentences.EVENTS[leaf.kind]) if leaf.kind in sentences.EVENTS else leaf.kind
    return _("The event “%(name)s” has never happened.") % {"name": name}


def _not_sold(leaf: lang.Ordered) -> str:
    for model, key, value in (
        (Product, "sku", leaf.product),
        (Category, "slug", leaf.category),
        (Brand, "slug", leaf.brand),
    ):
        if value and not model._default_manager.filter(**{key: value}).exists():
            return _("The shop has no “%(name)s”.") % {"name": value}
    return ""


def _not_scored(leaf: lang.Scored) -> str:
    if Score.objects.filter(name=leaf.name).exists():
        return ""
    return _("Nobody has the score “%(name)s”.") % {"name": leaf.name}


def _no_topic(leaf: lang.Agreed) -> str:
    if not leaf.topic or Topic.objects.filter(slug=leaf.topic).exists():
        return ""
    return _("There is no topic “%(name)s”.") % {"name": leaf.topic}


def _no_segment(slug: str) -> str:
    return _("no segment %(slug)s") % {"slug": repr(slug)}


def _round(path: list[str]) -> str:
    return _("goes round in a circle: %(path)s") % {"path": " → ".join(path)}


def _or_none(segment: Segment) -> lang.Part | None:
    if segment.kind not in Segment.RULED:
        return None
    try:
        return parsed(segment)
    except BadRule:
        return None


def _circle(parts: Mapping[str, lang.Part], start: str) -> list[str]:
    """A way from a segment back to itself; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for parent in sorted(reading.parents(parts[way[-1]])):
            if parent == start:
                return [*way, parent]
            if parent in parts and parent not in seen:
                seen.add(parent)
                ways.append([*way, parent])
    return []
