"""Joining two customers into one, and parting them again as if it had never been."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from crm import evidence as graph
from crm import folding, moving
from crm.models import Customer, Event, Evidence, Identity, Merge
from crm.segments import touches


class NotMergeable(Exception):
    """The two are verified as different people; only staff may join them."""


def survivor(one: Customer, other: Customer) -> tuple[Customer, Customer]:
    """(who stays, who is merged): the known person, then the one we have known for longer."""
    first, second = sorted((one, other), key=lambda c: (not c.is_known, c.first_seen_at, c.pk))
    return first, second


@transaction.atomic
def merge(  # noqa: PLR0913  (who, whom, why, says who, when)
    winner: Customer,
    loser: Customer,
    *,
    evidence: str,
    source: str,
    at: datetime,
    kind: str = Evidence.Kind.IDENTIFY,
) -> Merge:
    """Give everything the loser has to the winner, and write down what was moved and filled.

    Where the winner has such a row already (their consent for a topic, say), theirs stands.
    Raises NotMergeable for two verified different people, for two whom staff have parted
    (unless it is staff who say so) and for one person twice.
    """
    winner, loser = _locked(winner, loser)
    _check(winner, loser, by_staff=kind == Evidence.Kind.STAFF)
    own = list(winner.identities.values_list("pk", flat=True))
    best = graph.strongest(winner, besides=_joined(winner)), graph.strongest(loser)
    moved = moving.move(loser, winner)
    filled = folding.fill(winner, loser) | {"identities": own}
    winner.save(update_fields=folding.FIELDS)
    loser.merged_into = winner
    loser.save(update_fields=["merged_into"])
    touches.touch([winner.pk, loser.pk], touches.EVERYTHING)
    if best[0] and best[1]:
        graph.link(best[0], best[1], kind=kind, source=source, at=at)
    return Merge.objects.create(
        winner=winner,
        loser=loser,
        evidence=evidence,
        source=source,
        merged_at=at,
        moved=moved,
        filled=filled,
    )


@transaction.atomic
def unmerge(merge: Merge, *, at: datetime) -> Customer:
    """Restore both; return the loser. Doing it twice changes nothing.

    What came since for the loser's identifiers follows them. Merges may be undone in any
    order: those that remain stand as if this one had never been.
    """
    merge.refresh_from_db()
    loser = merge.loser
    if merge.undone_at is not None:
        return loser
    heads = _heads(merge.winner)
    holders = [head.pk for head in heads]
    side = _side(merge, holders)
    since = _since(merge, side, holders)
    loser.merged_into = None
    loser.save(update_fields=["merged_into"])
    given = moving.give_back(moving.join(merge.moved, since), holders=holders, owner=loser)
    graph.part(side, at=at)
    merge.undone_at = at
    merge.save(update_fields=["undone_at"])
    _settle(merge, heads, given)
    touches.touch([*holders, loser.pk], touches.EVERYTHING)
    _see_again(loser, since.get(Event._meta.label, []))
    return loser


def _locked(*people: Customer) -> tuple[Customer, ...]:
    """Those who stand for these people now, fresh and locked."""
    for person in people:
        person.refresh_from_db()
    heads = [_heads(person)[-1] for person in people]
    # Ordered by id, or two workers lock the same rows in opposite order.
    list(Customer.objects.select_for_update().filter(pk__in=[h.pk for h in heads]).order_by("pk"))
    return tuple(heads)


def _heads(customer: Customer) -> list[Customer]:
    """The customer, whom they were merged into, whom those were merged into, and so on."""
    heads = [customer]
    while heads[-1].merged_into is not None:
        heads.append(heads[-1].merged_into)
    return heads


def _check(winner: Customer, loser: Customer, *, by_staff: bool) -> None:
    if winner.pk == loser.pk:
        raise NotMergeable(f"{winner} and {loser} are one already")
    if by_staff:
        return
    if kind := _verified_apart(winner, loser):
        raise NotMergeable(f"{winner} and {loser} are known by different {kind}s")
    between = Q(winner=winner, loser=loser) | Q(winner=loser, loser=winner)
    if Merge.objects.filter(between).exclude(undone_at=None).exists():
        raise NotMergeable(f"{winner} and {loser} were parted by staff")


def _verified_apart(one: Customer, other: Customer) -> str | None:
    """The kind of identifier by which these are proven to be two people, if any.

    The shop vouches for its user ids; other kinds count once they are verified.
    """
    proven = Identity.objects.filter(
        Q(kind=Identity.Kind.USER_ID) | Q(verified_at__isnull=False), customer__in=(one, other)
    )
    values: dict[str, dict[int, set[str]]] = {}
    for identity in proven:
        people = values.setdefault(identity.kind, {})
        people.setdefault(identity.customer_id, set()).add(identity.value)
    apart = (kind for kind, people in values.items() if len(people) == 2)
    return next((kind.replace("_", " ") for kind in apart), None)


def _joined(winner: Customer) -> set[int]:
    """Identifiers that came to the winner by merges: their place is with whom they came from."""
    moved = winner.merges_won.filter(undone_at=None).values_list("moved", flat=True)
    return {pk for rows in moved for pk in rows.get(Identity._meta.label, [])}


def _side(merge: Merge, holders: list[int]) -> set[int]:
    """The identifiers that go with the loser."""
    label = Identity._meta.label
    others = set(merge.filled.get("identities", []))
    later = Merge.objects.filter(winner__in=holders, undone_at=None, pk__gt=merge.pk)
    for one in later:
        if one.loser_id in holders:  # the winner went on into another: those who were there
            others |= set(one.filled.get("identities", []))
        else:
            others |= set(one.moved.get(label, []))
    ours = set(merge.moved.get(label, []))
    return graph.side(ours, others - ours)


def _since(merge: Merge, side: set[int], holders: list[int]) -> moving.Moved:
    """What came after the merge with the loser's identifiers, and the orders told of so."""
    rows = moving.without(moving.of_identities(side, holders=holders), merge.moved)
    told = moving.of_orders_told_in(rows.get(Event._meta.label, []), holders=holders)
    return moving.join(rows, told)


def _settle(merge: Merge, heads: list[Customer], given: moving.Moved) -> None:
    """Bring the winner, and those above, to where they were had this merge never been."""
    gone, first = [merge], merge.pk
    for head in heads:
        kept = list(head.merges_won.filter(undone_at=None, pk__gte=first).order_by("pk"))
        for one in reversed([*gone, *kept]):
            folding.take_back(head, one.filled)
        for one in kept:
            more = moving.move(one.loser, head)  # what a row that left had kept out
            one.moved = moving.join(moving.without(one.moved, given), more)
            one.filled |= folding.fill(head, one.loser)
            one.save(update_fields=["moved", "filled"])
        head.save(update_fields=folding.FIELDS)
        above = head.merges_lost.filter(undone_at=None).first()
        gone, first = [], above.pk if above else 0


def _see_again(customer: Customer, events: list[int]) -> None:
    """These events came while the customer was merged: they were seen then, too."""
    latest = customer.events.filter(pk__in=events).aggregate(latest=Max("happened_at"))["latest"]
    if latest and latest > customer.last_seen_at:
        customer.last_seen_at = latest
        customer.save(update_fields=["last_seen_at"])
