"""The edges of the identity graph: why two identifiers are thought to be one person's."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Case, Q, Value, When

from crm.models import Customer, Evidence, Identity

STRONGEST_FIRST = (
    Identity.Kind.USER_ID,
    Identity.Kind.EMAIL,
    Identity.Kind.PHONE,
    Identity.Kind.ANONYMOUS_ID,
)


def link(one: Identity, other: Identity, *, kind: str, source: str, at: datetime) -> None:
    """Add an edge. Evidence that is there already is not added again."""
    first, second = sorted((one.pk, other.pk))
    if first == second:
        return
    edge = Evidence(
        one_id=first,
        other_id=second,
        kind=kind,
        source=source,
        strength=Evidence.STRENGTHS[Evidence.Kind(kind)],
        at=at,
    )
    Evidence.objects.bulk_create([edge], ignore_conflicts=True)


def strongest(customer: Customer, *, besides: Collection[int] = ()) -> Identity | None:
    """The identifier that says most about who this is; the oldest of its kind.

    Those `besides` which there are others are taken only when there are no others.
    """
    order = Case(
        *(When(kind=kind, then=Value(place)) for place, kind in enumerate(STRONGEST_FIRST))
    )
    ordered = customer.identities.order_by(order, "pk")
    own = ordered.exclude(pk__in=besides).first() if besides else None
    return own or ordered.first()


def of(identities: Sequence[int]) -> list[Evidence]:
    """All edges between these identifiers, retired ones too, oldest first."""
    edges = Evidence.objects.filter(one__in=identities, other__in=identities)
    return list(edges.order_by("at", "pk"))


def side(moved: Collection[int], others: Collection[int]) -> set[int]:
    """Identifiers on the side of those that a merge moved, with those that came since.

    `others` are the winner's own at the time of the merge. What came later belongs to the
    side that it hangs on; what hangs on both stays with the winner.
    """
    ours, theirs = set(moved), set(others)
    later = _reachable(ours, beyond=theirs) - ours
    return ours | (later - _reachable(theirs, beyond=ours))


def part(ours: Collection[int], *, at: datetime) -> int:
    """Retire every edge that leads from these identifiers to others; return how many."""
    leads_out = Q(one__in=ours) & ~Q(other__in=ours) | Q(other__in=ours) & ~Q(one__in=ours)
    return Evidence.objects.filter(leads_out, retired_at=None).update(retired_at=at)


def _reachable(start: set[int], *, beyond: set[int]) -> set[int]:
    found, frontier = set(start), set(start)
    while frontier:
        edges = Evidence.objects.filter(
            Q(one__in=frontier) | Q(other__in=frontier), retired_at=None
        ).values_list("one_id", "other_id")
        frontier = {pk for edge in edges for pk in edge} - found - beyond
        found |= frontier
    return found
