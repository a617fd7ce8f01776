"""What is known of customers at the moment of a decision: a fixed number of queries a batch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import Count, Max, Q, TextField
from django.db.models.functions import Cast

from campaigns.decisions import catalogues
from campaigns.decisions.rules import UNASKED, Standing
from campaigns.ml.chance import unit
from campaigns.models import BY_PHONE, Action, Decision, Placement, Veto
from crm import consent, features
from crm.models import Consent, Customer, Membership, PurchaseSummary

LONG_AGO = 730  # days: longer is not told apart
FEATURES = (
    "is_known",
    "reads_chinese",
    "tenure",
    "days_since_seen",
    "orders",
    "spend",
    "days_since_order",
    "contacts",
)
LOGARITHMIC = frozenset(FEATURES) - {"is_known", "reads_chinese"}
LOGS = [place for place, name in enumerate(FEATURES) if name in LOGARITHMIC]
DAYS = [FEATURES.index("tenure"), FEATURES.index("days_since_seen")]
OF_CUSTOMER = ("language", "timezone", "is_known", "email", "phone") + (
    "first_seen_at",
    "last_seen_at",
)


class Person(NamedTuple):
    """A customer as the policy and the rules see them."""

    pk: int
    public_id: str
    features: list[float]  # as FEATURES names them
    standing: Standing


class _Row(NamedTuple):
    pk: int
    public_id: str
    language: str
    timezone: str
    is_known: bool
    email: str
    phone: str
    first_seen_at: datetime
    last_seen_at: datetime

    @property
    def addresses(self) -> dict[str, str]:
        found = {"email": self.email.strip().lower()} | dict.fromkeys(
            map(str, BY_PHONE), self.phone
        )
        return {channel: address for channel, address in found.items() if address}


def of(
    placement: Placement,
    actions: Sequence[Action],
    customers: Sequence[int],
    *,
    now: datetime,
    channels: Sequence[str] = (),
) -> list[Person]:
    """Those of these customers who are customers still, in the order asked for.

    channels: the only ones by which something can be said now. At most nine queries.
    """
    rows = _rows(customers)
    addresses = {pk: row.addresses for pk, row in rows.items()}
    given, stopped = _consents(placement, actions, addresses)
    segments = _segments(actions, rows)
    contacts, ages = _past(placement, actions, rows, now=now)
    vetoed = _vetoes(placement, rows)
    bought = _bought(rows, now=now)
    gone, here = _gone(actions, now=now), tuple(sorted(channels))
    share, secret = placement.holdout_share, catalogues.secret()
    experiment = f"holdout {placement.slug}"
    asked = [pk for pk in dict.fromkeys(customers) if pk in rows]
    known = _features([rows[pk] for pk in asked], bought, contacts, now=now)
    people = []
    for pk, values in zip(asked, known, strict=True):
        row, theirs = rows[pk], addresses[pk]
        standing = Standing(
            zone=row.timezone,
            held_out=share > 0 and unit(secret, experiment, row.public_id) < share,
            reachable=tuple(theirs),
            granted=given.get(pk, ()),
            suppressed=tuple(c for c, a in theirs.items() if (c, a.lower()) in stopped)
            if stopped
            else (),
            segments=segments.get(pk, ()),
            contacts=contacts.get(pk, 0),
            ages=ages.get(pk, ()),
            vetoed=vetoed[None] + vetoed.get(pk, ()),
            gone=gone,
            here=here,
        )
        people.append(Person(pk, row.public_id, values, standing))
    return people


def _rows(customers: Sequence[int]) -> dict[int, _Row]:
    """Those who are customers still. The database writes ids as text for less than Python does."""
    found = Customer.objects.active().filter(pk__among=customers)
    if connection.vendor == "postgresql":
        said = found.annotate(said=Cast("public_id", TextField()))
        return {row[0]: _Row(*row) for row in said.values_list("pk", "said", *OF_CUSTOMER)}
    rows = found.values_list("pk", "public_id", *OF_CUSTOMER)
    return {pk: _Row(pk, str(public_id), *row) for pk, public_id, *row in rows}


def _consents(
    placement: Placement, actions: Sequence[Action], reached: Mapping[int, Mapping[str, str]]
) -> tuple[dict[int, tuple[str, ...]], set[tuple[str, str]]]:
    """Channels agreed to by customer, and the addresses that must not be written to."""
    channels = sorted({action.channel for action in actions} & UNASKED)
    if not channels or placement.topic_id is None:
        return {}, set()
    yes = Consent.objects.filter(
        topic=placement.topic_id,
        is_granted=True,
        channel__in=channels,
        customer__among=list(reached),
    )
    given = _grouped(yes.order_by("channel").values_list("customer_id", "channel"))
    stopped = set()
    for channel in channels:
        addresses = [own[channel] for own in reached.values() if channel in own]
        found = consent.suppressed(channel=channel, addresses=addresses)
        stopped |= {(channel, address) for address in found}
    return given, stopped


def _segments(actions: Sequence[Action], rows: dict[int, _Row]) -> dict[int, tuple[int, ...]]:
    wanted = {action.segment_id for action in actions if action.segment_id is not None}
    if not wanted:
        return {}
    members = Membership.objects.filter(segment__in=wanted, customer__among=list(rows))
    return _grouped(members.order_by("segment_id").values_list("customer_id", "segment_id"))


def _past(
    placement: Placement, actions: Sequence[Action], rows: dict[int, _Row], *, now: datetime
) -> tuple[dict[int, int], dict[int, tuple[tuple[str, int], ...]]]:
    """Actions chosen within the cap's days, and how many days ago each was last."""
    days = max([placement.cap_days, *(action.repeat_days or 0 for action in actions)])
    capped = Q(decided_at__gt=now - timedelta(days=placement.cap_days))
    past = (
        Decision.objects.filter(
            customer__among=list(rows),
            placement=placement,
            decided_at__gt=now - timedelta(days=days),
        )
        .filter(decided_at__lte=now)
        .exclude(action=None)
        .values("customer_id", "choice")
        .annotate(number=Count("pk", filter=capped), last=Max("decided_at"))
        .order_by("customer_id", "choice")
    )
    repeats = {action.slug for action in actions if action.repeat_days is not None}
    contacts: dict[int, int] = defaultdict(int)
    ages: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for row in past:
        contacts[row["customer_id"]] += row["number"]
        if row["choice"] in repeats:
            ages[row["customer_id"]].append((row["choice"], (now - row["last"]).days))
    return contacts, {pk: tuple(found) for pk, found in ages.items()}


def _vetoes(placement: Placement, rows: dict[int, _Row]) -> dict[int | None, tuple[str, ...]]:
    """Actions vetoed for everybody under None, and for one customer under theirs."""
    whose = Q(customer=None) | Q(customer__among=list(rows))
    standing = Veto.objects.standing().filter(whose, action__placement=placement)
    found: dict[int | None, tuple[str, ...]] = _grouped(
        standing.order_by("action__slug").values_list("customer_id", "action__slug")
    )
    return {None: ()} | found


def _bought(rows: dict[int, _Row], *, now: datetime) -> dict[int, tuple[int, float, Any]]:
    """(orders, money of the main currency, day of the last) of each customer who bought."""
    currency = features.shop_currency(now=now)
    found: dict[int, tuple[int, float, Any]] = {}
    summaries = PurchaseSummary.objects.filter(customer__among=list(rows), last_day__lte=now.date())
    for pk, code, sales, money, last in summaries.order_by("pk").values_list(
        "customer_id", "currency", "sales", "money", "last_day"
    ):
        orders, spend, day = found.get(pk, (0, 0.0, last))
        found[pk] = (orders + sales, spend + (money if code == currency else 0.0), max(day, last))
    return found


def _gone(actions: Sequence[Action], *, now: datetime) -> tuple[tuple[str, str], ...]:
    """Products that are sold out and coupons that are over. What runs out meanwhile is counted."""
    found = []
    for action in actions:
        if (product := action.product) and (product.stock == 0 or not product.is_active):
            found.append((action.slug, "no_stock"))
        elif (coupon := action.coupon) and not coupon.is_valid_on(now.date()):
            found.append((action.slug, "no_coupon"))
    return tuple(found)


def _features(
    rows: Sequence[_Row],
    bought: Mapping[int, tuple[int, float, Any]],
    contacts: Mapping[int, int],
    *,
    now: datetime,
) -> list[list[float]]:
    """As FEATURES names them, of each; counts, money and days by their logarithms."""
    today, nothing = now.astimezone(UTC).date(), (0, 0.0, None)
    table = []
    for row in rows:
        orders, spend, last = bought.get(row.pk, nothing)
        since = LONG_AGO if last is None else min((today - last).days, LONG_AGO)
        table.append(
            (
                row.is_known,
                row.language.startswith("zh"),
                (now - row.first_seen_at).total_seconds() / 86_400,
                (now - row.last_seen_at).total_seconds() / 86_400,
                orders,
                spend,
                since,
                contacts.get(row.pk, 0),
            )
        )
    values = np.array(table, dtype=float).reshape(-1, len(FEATURES))
    values[:, DAYS] = np.minimum(values[:, DAYS], LONG_AGO)
    values[:, LOGS] = np.round(np.log1p(np.maximum(values[:, LOGS], 0.0)), 4)
    found: list[list[float]] = values.tolist()
    return found


def _grouped(rows: Any) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in rows:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
