"""What is known of customers at the moment of a decision: a fixed number of queries a batch."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q

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
OF_CUSTOMER = ("pk", "public_id", "language", "timezone", "is_known", "email", "phone") + (
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
    public_id: Any
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
    found = Customer.objects.active().filter(pk__in=customers).values_list(*OF_CUSTOMER)
    rows = {row[0]: _Row(*row) for row in found}
    given, stopped = _consents(placement, actions, list(rows.values()))
    segments = _segments(actions, rows)
    contacts, ages = _past(placement, actions, rows, now=now)
    vetoed = _vetoes(placement, rows)
    bought = _bought(rows, now=now)
    gone, here = _gone(actions, now=now), tuple(sorted(channels))
    share, secret = placement.holdout_share, catalogues.secret()
    experiment = f"holdout {placement.slug}"
    people = []
    for pk in dict.fromkeys(customers):
        row = rows.get(pk)
        if row is None:
            continue
        public_id = str(row.public_id)
        standing = Standing(
            zone=row.timezone,
            held_out=share > 0 and unit(secret, experiment, public_id) < share,
            reachable=tuple(row.addresses),
            granted=given.get(pk, ()),
            suppressed=tuple(c for c, a in row.addresses.items() if (c, a.lower()) in stopped),
            segments=segments.get(pk, ()),
            contacts=contacts.get(pk, 0),
            ages=ages.get(pk, ()),
            vetoed=vetoed[None] + vetoed.get(pk, ()),
            gone=gone,
            here=here,
        )
        known = _features(row, bought.get(pk), standing.contacts, now=now)
        people.append(Person(pk, public_id, known, standing))
    return people


def _consents(
    placement: Placement, actions: Sequence[Action], rows: Sequence[_Row]
) -> tuple[dict[int, tuple[str, ...]], set[tuple[str, str]]]:
    """Channels agreed to by customer, and the addresses that must not be written to."""
    channels = sorted({action.channel for action in actions} & UNASKED)
    if not channels or placement.topic_id is None:
        return {}, set()
    yes = Consent.objects.filter(
        topic=placement.topic_id,
        is_granted=True,
        channel__in=channels,
        customer__in=[row.pk for row in rows],
    )
    given = _grouped(yes.order_by("channel").values_list("customer_id", "channel"))
    stopped = set()
    for channel in channels:
        addresses = [row.addresses[channel] for row in rows if channel in row.addresses]
        found = consent.suppressed(channel=channel, addresses=addresses)
        stopped |= {(channel, address) for address in found}
    return given, stopped


def _segments(actions: Sequence[Action], rows: dict[int, _Row]) -> dict[int, tuple[int, ...]]:
    wanted = {action.segment_id for action in actions if action.segment_id is not None}
    if not wanted:
        return {}
    members = Membership.objects.filter(segment__in=wanted, customer__in=list(rows))
    return _grouped(members.order_by("segment_id").values_list("customer_id", "segment_id"))


def _past(
    placement: Placement, actions: Sequence[Action], rows: dict[int, _Row], *, now: datetime
) -> tuple[dict[int, int], dict[int, tuple[tuple[str, int], ...]]]:
    """Actions chosen within the cap's days, and how many days ago each was last."""
    days = max([placement.cap_days, *(action.repeat_days or 0 for action in actions)])
    capped = Q(decided_at__gt=now - timedelta(days=placement.cap_days))
    past = (
        Decision.objects.filter(
            customer__in=list(rows), placement=placement, decided_at__gt=now - timedelta(days=days)
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
    whose = Q(customer=None) | Q(customer__in=list(rows))
    standing = Veto.objects.standing().filter(whose, action__placement=placement)
    found: dict[int | None, tuple[str, ...]] = _grouped(
        standing.order_by("action__slug").values_list("customer_id", "action__slug")
    )
    return {None: ()} | found


def _bought(rows: dict[int, _Row], *, now: datetime) -> dict[int, tuple[int, float, Any]]:
    """(orders, money of the main currency, day of the last) of each customer who bought."""
    currency = features.shop_currency(now=now)
    found: dict[int, tuple[int, float, Any]] = {}
    summaries = PurchaseSummary.objects.filter(customer__in=list(rows), last_day__lte=now.date())
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
    row: _Row, bought: tuple[int, float, Any] | None, contacts: int, *, now: datetime
) -> list[float]:
    orders, spend, last = bought or (0, 0.0, None)
    values = {
        "is_known": float(row.is_known),
        "reads_chinese": float(row.language.startswith("zh")),
        "tenure": _days(row.first_seen_at, now),
        "days_since_seen": _days(row.last_seen_at, now),
        "orders": orders,
        "spend": spend,
        "days_since_order": LONG_AGO
        if last is None
        else min((now.astimezone(UTC).date() - last).days, LONG_AGO),
        "contacts": contacts,
    }
    return [
        round(math.log1p(max(values[name], 0.0)), 4) if name in LOGARITHMIC else values[name]
        for name in FEATURES
    ]


def _days(moment: datetime, now: datetime) -> float:
    return min(max((now - moment).total_seconds() / 86_400, 0.0), LONG_AGO)


def _grouped(rows: Any) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in rows:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
