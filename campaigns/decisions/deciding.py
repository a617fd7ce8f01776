"""The door: decide for a customer, or for many, within budgets and stocks, and log it."""

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from campaigns.decisions import catalogues, explaining, policies, snapshots
from campaigns.decisions.making import Case, Made, make
from campaigns.decisions.rules import Standing
from campaigns.decisions.snapshots import Person
from campaigns.ml.chance import unit
from campaigns.models import Action, Decision, Placement
from crm import bulk
from crm.models import Customer

BATCH = 2_000
PLAIN = re.compile(r"[\w-]+", re.ASCII)
TRIES = 3  # two workers may decide by the same key at the same moment
COLUMNS = (
    "public_id",
    "customer",
    "placement",
    "catalogue",
    "action",
    "choice",
    "propensity",
    "policy",
    "artifact",
    "facts",
    "candidates",
    "refused",
    "reasons",
    "words",
    "seed",
    "number",
    "is_exploration",
    "key",
    "due_at",
    "decided_at",
)


class UnknownPlacement(Exception):
    """No placement is called so."""


class PlacementClosed(Exception):
    """The placement is switched off: nothing is decided there."""


class Decided(NamedTuple):
    """A decision as the caller needs it; `action` is None where nothing is to be done."""

    public_id: uuid.UUID
    customer_id: int
    choice: str
    action: Action | None
    policy: str
    made: Made
    features: Sequence[float]
    is_new: bool = True

    @property
    def words(self) -> str:
        """Why, in English."""
        names = [self.action.name_en, self.action.name_zh] if self.action else ["", ""]
        policy, made = self.policy.partition("#")[0], self.made
        return explaining.in_english(self.choice, names, policy, made.candidates, made.reasons)


@dataclass(frozen=True)
class _Asked:
    """When, and by what: the chance is drawn anew for each occasion, a key is answered once."""

    now: datetime
    occasion: str = ""
    key: str = ""
    keys: Mapping[int, str] | None = None  # of each customer, their occasion as well
    channels: Sequence[str] = ()

    def key_of(self, customer: int) -> str:
        return self.key if self.keys is None else self.keys[customer]

    def seed_of(self, placement: Placement, person: Person) -> str:
        occasion = self.occasion if self.keys is None else self.keys[person.pk]
        occasion = occasion or self.now.date().isoformat()
        return f"{placement.slug}|{person.public_id}|{occasion}"[:200]


@dataclass(frozen=True)
class _Turn:
    """What all decisions of one batch share."""

    placement: Placement
    actions: dict[str, Action]
    content: dict[str, Any]
    line: policies.Line
    now: datetime

    def made(self, people: Sequence[Person], seeds: Sequence[str]) -> list[tuple[Any, float, Made]]:
        """(serving, number, made) of each person, in their order."""
        secret = catalogues.secret()
        numbers = [unit(secret, "decision", seed) for seed in seeds]
        servings = [self.line.of(person.public_id) for person in people]
        left = {
            slug: max(action.left, 0)
            for slug, action in self.actions.items()
            if action.left is not None
        }
        found: dict[int, Made] = {}
        for serving in dict.fromkeys(servings):
            places = [place for place, one in enumerate(servings) if one is serving]
            cases = [Case(people[p].features, people[p].standing, numbers[p]) for p in places]
            made = make(self.content, serving, cases, at=self.now, left=left)
            found |= dict(zip(places, made, strict=True))
            for slug, times in Counter(one.choice for one in made).items():
                if slug in left:
                    left[slug] -= times
        return [(servings[p], numbers[p], found[p]) for p in range(len(people))]


def placement_of(slug: str) -> Placement:
    """Raises UnknownPlacement, PlacementClosed."""
    found = Placement.objects.filter(slug=slug).first()
    if found is None:
        raise UnknownPlacement(slug)
    if not found.is_active:
        raise PlacementClosed(slug)
    return found


def decide(  # noqa: PLR0913  (for whom, where, when, and by what key)
    customer: Customer,
    placement: Placement,
    *,
    now: datetime,
    occasion: str = "",
    key: str = "",
    channels: Sequence[str] = (),
) -> Decided:
    """Choose the next best action and log it; what it takes of a budget or stock is taken.

    occasion: the chance is drawn anew for each; by default, once a day. key: asked twice with the
    same, the first decision is the answer. channels: the only ones by which something can be said
    now and at once; none named: by all, and later too. Raises Customer.DoesNotExist for one who
    was merged.
    """
    asked = _Asked(now, occasion, key, channels=channels)
    made = _batch([customer.pk], placement, asked)
    if not made:
        raise Customer.DoesNotExist(f"customer {customer.pk}")
    return made[0]


def decide_many(  # noqa: PLR0913  (for whom, where, when, and by what key)
    customers: Iterable[int],
    placement: Placement,
    *,
    now: datetime,
    occasion: str = "",
    key: str = "",
    channels: Sequence[str] = (),
) -> list[Decided]:
    """The same for many, some thousand in a transaction, with a fixed number of queries for each.

    Customers who were merged or erased are left out.
    """
    asked, found = _Asked(now, occasion, key, channels=channels), []
    for some in bulk.chunks(customers, BATCH):
        found += _batch(some, placement, asked)
    return found


def decide_each(
    asks: Iterable[tuple[int, str]],
    placement: Placement,
    *,
    now: datetime,
    channels: Sequence[str] = (),
) -> dict[str, Decided]:
    """Decide for (customer, key), each key an occasion of its own; the decisions by their keys."""
    waiting, found = list(asks), dict[str, Decided]()
    while waiting:
        keys: dict[int, str] = {}
        again = []
        for customer, key in waiting:
            if keys.setdefault(customer, key) != key:
                again.append((customer, key))  # a batch has everybody once
        for some in bulk.chunks(keys, BATCH):
            asked = _Asked(now, keys=keys, channels=channels)
            found |= {keys[one.customer_id]: one for one in _batch(some, placement, asked)}
        waiting = again
    return found


def look(
    customer: Customer,
    placement: Placement,
    *,
    now: datetime,
    occasion: str = "",
    channels: Sequence[str] = (),
) -> Decided | None:
    """What would be decided now; nothing is logged and nothing taken."""
    ids = [customer.pk]
    found = look_many(ids, placement, now=now, occasion=occasion, channels=channels)
    return found[0] if found else None


def look_many(
    customers: Sequence[int],
    placement: Placement,
    *,
    now: datetime,
    occasion: str = "",
    channels: Sequence[str] = (),
) -> list[Decided]:
    """The same for many."""
    turn, asked = _turn(placement, now=now, is_binding=False), _Asked(now, occasion)
    actions = list(turn.actions.values())
    people = snapshots.of(placement, actions, customers, now=now, channels=channels)
    made = turn.made(people, [asked.seed_of(placement, person) for person in people])
    return [
        _decided(turn, person, serving, one, uuid.uuid4())
        for person, (serving, _number, one) in zip(people, made, strict=True)
    ]


def _batch(customers: Sequence[int], placement: Placement, asked: _Asked) -> list[Decided]:
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                before = _before(customers, placement, asked)
                fresh = [pk for pk in customers if pk not in before]
                return [*before.values(), *_logged(fresh, placement, asked)]
        except IntegrityError:
            if not (asked.key or asked.keys) or not left:
                raise
    raise AssertionError("the last try returns or raises")


def _before(customers: Sequence[int], placement: Placement, asked: _Asked) -> dict[int, Decided]:
    """What was decided with these keys, by customer."""
    keys = {key for pk in customers if (key := asked.key_of(pk))}
    if not keys:
        return {}
    known = Decision.objects.filter(placement=placement, customer__among=customers, key__among=keys)
    rows = known.select_related("action__product", "action__coupon").order_by("pk")
    return {one.customer_id: told(one) for one in rows if one.key == asked.key_of(one.customer_id)}


def told(row: Decision) -> Decided:
    """A decision that was made before."""
    made = Made(
        choice=row.choice,
        propensity=row.propensity,
        candidates=row.candidates,
        refused=row.refused,
        reasons=row.reasons,
        due_at=row.due_at,
        standing=Standing.read(row.facts["standing"]),
        is_exploration=row.is_exploration,
    )
    return Decided(
        public_id=row.public_id,
        customer_id=row.customer_id,
        choice=row.choice,
        action=row.action,
        policy=row.version,
        made=made,
        features=row.facts["features"],
        is_new=False,
    )


def _logged(customers: Sequence[int], placement: Placement, asked: _Asked) -> list[Decided]:
    if not customers:
        return []
    now = asked.now
    turn = _turn(placement, now=now, is_binding=True)
    actions = list(turn.actions.values())
    people = snapshots.of(placement, actions, customers, now=now, channels=asked.channels)
    if not people:
        return []
    seeds = [asked.seed_of(placement, person) for person in people]
    made = turn.made(people, seeds)
    catalogue = catalogues.kept(placement, turn.content, now=now)
    found, rows = [], []
    writer = _Writer(turn, catalogue, asked)
    for person, seed, (serving, number, one) in zip(people, seeds, made, strict=True):
        decided = _decided(turn, person, serving, one, uuid.uuid4())
        rows.append(writer.row(decided, person, serving, seed, number))
        found.append(decided)
    bulk.insert(Decision, COLUMNS, rows)
    _take(turn, Counter(one.choice for one in found))
    return found


def _turn(placement: Placement, *, now: datetime, is_binding: bool) -> _Turn:
    """The placement as it stands. Binding: what may run out is locked until the commit."""
    rows = Action.objects.filter(placement=placement).select_related("product", "coupon")
    actions = {action.slug: action for action in rows.order_by("pk")}
    if is_binding and any(action.is_capped for action in actions.values()):
        # By id, or two workers lock the same rows in opposite order.
        counted = rows.filter(Q(uses_limit__isnull=False) | Q(budget__isnull=False)).order_by("pk")
        actions |= {action.slug: action for action in counted.select_for_update(of=("self",))}
    content = catalogues.content_of(placement, actions.values())
    return _Turn(placement, actions, content, policies.line(placement, content), now)


def _take(turn: _Turn, times: Counter[str]) -> None:
    """Count what was chosen; a constraint of the table refuses what is not there."""
    for slug, action in turn.actions.items():
        if times[slug] and action.is_capped:
            Action.objects.filter(pk=action.pk).update(
                used=F("used") + times[slug], spent=F("spent") + times[slug] * action.price
            )


def _decided(
    turn: _Turn, person: Person, serving: policies.Serving, made: Made, public_id: uuid.UUID
) -> Decided:
    return Decided(
        public_id=public_id,
        customer_id=person.pk,
        choice=made.choice,
        action=turn.actions.get(made.choice),
        policy=f"{serving.name}#{serving.artifact}" if serving.artifact else serving.name,
        made=made,
        features=person.features,
    )


class _Writer:
    """Rows as the columns take them, with what they share made once."""

    def __init__(self, turn: _Turn, catalogue: int, asked: _Asked) -> None:
        self.turn, self.catalogue, self.asked = turn, catalogue, asked
        self.is_postgres = connection.vendor == "postgresql"
        self.now = self._moment(turn.now)
        self.encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        is_plain = all(PLAIN.fullmatch(slug) for slug in turn.actions)
        self.write: Callable[[Any], str] = _written if is_plain else self.encode
        self.encoded: dict[Standing, tuple[str, str]] = {}

    def row(
        self,
        one: Decided,
        person: Person,
        serving: policies.Serving,
        seed: str,
        number: float,
    ) -> tuple[Any, ...]:
        made = one.made
        standing, refused = self._shared(made)
        return (
            str(one.public_id) if self.is_postgres else one.public_id.hex,
            person.pk,
            self.turn.placement.pk,
            self.catalogue,
            one.action.pk if one.action else None,
            one.choice,
            made.propensity,
            serving.name,
            serving.artifact,
            f'{{"features":{person.features!r},"standing":{standing}}}',  # finite: as JSON has them
            self.write(made.candidates),
            refused,
            self.write(made.reasons),
            "",  # the words: made of the reasons when somebody reads them
            seed,
            number,
            made.is_exploration,
            self.asked.key_of(person.pk),
            self.now if made.due_at == self.turn.now else self._moment(made.due_at),
            self.now,
        )

    def _shared(self, made: Made) -> tuple[str, str]:
        """What customers who stand alike have in common: how they stand, and what is refused."""
        known = self.encoded.get(made.standing)
        if known is None:
            known = self.encode(made.standing.said()), self.encode(made.refused)
            self.encoded[made.standing] = known
        return known

    def _moment(self, moment: datetime) -> str:
        return str(connection.ops.adapt_datetimefield_value(moment))


def _written(value: Any) -> str:
    """JSON of words without quotes and finite numbers: as Python has them, in other quotes."""
    return repr(value).replace("'", '"')
