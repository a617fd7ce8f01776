"""Who may be two customers and is one person: pairs are found and weighed here; staff decide."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from numpy.random import Generator

from crm import customers
from crm.ml import matching
from crm.ml.matching import Matcher, Record
from crm.models import Customer, DuplicatePair, Evidence

LIKELY = 0.5  # below this a pair is not worth anybody's time
MOST = 5_000  # open pairs that are kept; nobody looks through more
COMPARED = 400_000  # candidate pairs in one run
STRANGERS = 5_000  # random pairs that show what chance does
CHUNK = 5_000
# Traits that hold an address, as shops call them in two languages.
TRAITS = {
    "address": ("address", "street", "address1", "地址", "详细地址", "街道"),
    "city": ("city", "town", "城市", "市"),
    "postcode": ("postcode", "postal_code", "postalCode", "zip", "邮编", "邮政编码"),
}
Found = dict[tuple[int, int], tuple[float, list[dict[str, Any]]]]  # ids -> chance, reasons
FIELDS = ("pk", "name", "email", "phone", "traits")


def find(*, now: datetime, rng: Generator) -> int:
    """Find pairs anew; return how many are open. What staff decided is left alone.

    One pass over the customers makes keys, sorting brings those together who share one, and
    only they are compared: memory is a few dozen bytes a customer.
    """
    pairs = _candidates()
    if len(pairs) > COMPARED:
        pairs = rng.choice(pairs, COMPARED, replace=False, shuffle=False)
    levels = _levels(pairs)
    everybody = Customer.objects.active().count()
    matcher = Matcher().fit(levels, _levels(_random_pairs(rng)), everybody)
    chances = matcher.probability(levels)
    best = np.argsort(-chances, kind="stable")[:MOST]
    found = {
        (int(pairs[place, 0]), int(pairs[place, 1])): (
            float(chances[place]),
            matcher.reasons([int(level) for level in levels[place]]),
        )
        for place in best
        if chances[place] >= LIKELY
    }
    return _keep(found, now=now)


def open_pairs() -> QuerySet[DuplicatePair]:
    """Pairs to decide, of people who are both still there."""
    return DuplicatePair.objects.filter(
        state=DuplicatePair.State.OPEN, one__merged_into=None, other__merged_into=None
    )


@transaction.atomic
def join(pair: DuplicatePair, *, by: Any, at: datetime) -> Customer:
    """They are one person: merge them. Raises customers.NotMergeable when they are one already."""
    winner, loser = customers.survivor(pair.one, pair.other)
    pair.merge = customers.merge(
        winner,
        loser,
        evidence=f"duplicate, decided by {by}"[:255],
        source="admin",
        at=at,
        kind=Evidence.Kind.STAFF,
    )
    _decide(pair, DuplicatePair.State.MERGED, by=by, at=at)
    return winner


def keep_apart(pair: DuplicatePair, *, by: Any, at: datetime) -> None:
    """They are different people, and are not proposed again."""
    _decide(pair, DuplicatePair.State.DIFFERENT, by=by, at=at)


@transaction.atomic
def take_back(pair: DuplicatePair, *, at: datetime) -> None:
    """Undo a decision: a merge is parted, and the pair is open again."""
    if pair.merge is not None:
        customers.unmerge(pair.merge, at=at)
    pair.merge = None
    _decide(pair, DuplicatePair.State.OPEN, by=None, at=None)


def _decide(pair: DuplicatePair, state: str, *, by: Any, at: datetime | None) -> None:
    pair.state, pair.decided_by, pair.decided_at = state, by, at
    pair.save(update_fields=["state", "merge", "decided_by", "decided_at"])


def record_of(values: tuple[Any, ...]) -> Record:
    """What is compared of a customer, given the values of FIELDS."""
    _, name, email, phone, traits = values
    place = {
        field: next((_plain(traits[key]) for key in names if traits.get(key)), "")
        for field, names in TRAITS.items()
    }
    return Record(
        email=customers.normalise("email", email) if email else "",
        phone=customers.normalise("phone", phone) if phone else "",
        name=_plain(name),
        **place,
    )


def _plain(text: Any) -> str:
    if not isinstance(text, str):
        text = str(text) if isinstance(text, int) else ""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(folded.casefold().split())[:200]


def _candidates() -> matching.Pairs:
    hashes, owners = [], []
    for some_hashes, some_owners in _keys():
        hashes.append(some_hashes)
        owners.append(some_owners)
    if not hashes:
        return np.empty((0, 2), dtype=np.int64)
    all_hashes, all_owners = np.concatenate(hashes), np.concatenate(owners)
    keep = matching.small_blocks(all_hashes)
    return matching.blocked(all_hashes[keep], all_owners[keep])


def _keys() -> Iterator[tuple[matching.Pairs, matching.Pairs]]:
    """Hashes of the keys of all customers, and whose they are, a chunk at a time."""
    people = Customer.objects.active().order_by("pk").values_list(*FIELDS)
    hashes, owners = [], []
    for values in people.iterator(chunk_size=CHUNK):
        for key in matching.keys(record_of(values)):
            hashes.append(_hash(key))
            owners.append(values[0])
        if len(hashes) >= 10 * CHUNK:
            yield np.array(hashes, dtype=np.int64), np.array(owners, dtype=np.int64)
            hashes, owners = [], []
    if hashes:
        yield np.array(hashes, dtype=np.int64), np.array(owners, dtype=np.int64)


def _hash(key: str) -> int:
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _random_pairs(rng: Generator) -> matching.Pairs:
    """Pairs of strangers: two customers each, drawn by id."""
    ends = Customer.objects.order_by("pk").values_list("pk", flat=True)
    first, last = ends.first(), ends.last()
    if first is None or last is None or first == last:
        return np.empty((0, 2), dtype=np.int64)
    pairs: matching.Pairs = rng.integers(first, last, size=(STRANGERS, 2), endpoint=True)
    apart: matching.Pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return apart


def _levels(pairs: matching.Pairs) -> matching.Seen:
    """What is seen of each pair, a chunk of pairs at a time; of missing customers nothing is."""
    levels = np.zeros((len(pairs), len(matching.FIELDS)), dtype=np.int8)
    for start in range(0, len(pairs), CHUNK):
        some = pairs[start : start + CHUNK]
        people = Customer.objects.filter(pk__in={int(pk) for pk in some.ravel()})
        records = {v[0]: record_of(v) for v in people.values_list(*FIELDS)}
        for place, (one, other) in enumerate(some.tolist(), start=start):
            if one in records and other in records:
                levels[place] = matching.compare(records[one], records[other])
    return levels


@transaction.atomic
def _keep(found: Found, *, now: datetime) -> int:
    """Write what was found: new pairs, changed scores; open ones no longer likely go."""
    gone, changed = [], []
    for pair in DuplicatePair.objects.iterator(chunk_size=CHUNK):
        score, reasons = found.pop((pair.one_id, pair.other_id), (0.0, []))
        if pair.state != DuplicatePair.State.OPEN:
            continue
        named = [reason for reason in pair.reasons if reason["how"] == "named_together"]
        if not reasons and not named:
            gone.append(pair.pk)
        elif reasons and (pair.score, pair.reasons) != (score, [*named, *reasons]):
            pair.score, pair.reasons = score, [*named, *reasons]
            changed.append(pair)
    DuplicatePair.objects.filter(pk__in=gone).delete()
    DuplicatePair.objects.bulk_update(changed, ["score", "reasons"], batch_size=500)
    DuplicatePair.objects.bulk_create(
        (
            DuplicatePair(one_id=one, other_id=other, score=score, reasons=reasons, found_at=now)
            for (one, other), (score, reasons) in found.items()
        ),
        batch_size=1000,
        ignore_conflicts=True,  # filed by an event at this moment
    )
    return open_pairs().count()


def parted(merge: Any, *, by: Any, at: datetime) -> None:
    """A merge was undone elsewhere: these two are different people, and stay so."""
    one, other = sorted((merge.winner_id, merge.loser_id))
    DuplicatePair.objects.update_or_create(
        one_id=one,
        other_id=other,
        defaults={
            "state": DuplicatePair.State.DIFFERENT,
            "merge": None,
            "decided_by": by,
            "decided_at": at,
        },
        create_defaults={
            "score": 0.0,
            "found_at": at,
            "state": DuplicatePair.State.DIFFERENT,
            "decided_by": by,
            "decided_at": at,
        },
    )
