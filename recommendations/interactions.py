"""What customers did with products, as of a moment. Training and serving read it here."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import FloatField, Value

from crm.models import Customer, Event, Feedback, Order, OrderLine, Product
from crm.prepared import Prepared
from recommendations import loudness

if TYPE_CHECKING:  # numpy and scipy are imported when a matrix is made, not by every process
    import numpy as np

    from recommendations.ml.interactions import Interactions

WEIGHTS = {
    "bought": 1.0,
    "rated": 0.8,
    "wished": 0.5,
    "added": 0.5,
    "mentioned": 0.4,
    "clicked": 0.2,
    "viewed": 0.2,
}
EVENT_KINDS = {
    "crm.product_viewed": "viewed",
    "crm.product_added": "added",
    "crm.product_wished": "wished",
    "chatbot.product_mentioned": "mentioned",
    "recommendations.product_clicked": "clicked",
    "recommendations.product_disliked": "disliked",
    "recommendations.dislike_taken_back": "forgiven",
}
OPINIONS = ("rating", "review")
EVENTS_READ = 200  # of one customer: the newest say most
GOOD_SCORE = 4.0  # of five
BAD_SCORE = 2.5  # what lies between says neither
DAY = 86_400.0


@dataclass(frozen=True)
class Touch:
    """One customer did one thing with one product."""

    customer_id: int
    product_id: int
    kind: str  # a key of WEIGHTS, "disliked", or "forgiven" where that was taken back
    at: datetime
    placement: str = ""  # of a click: where, and at which position of the list
    position: int = 0

    @property
    def weight(self) -> float:
        return WEIGHTS.get(self.kind, 0.0)


@dataclass(frozen=True)
class Table:
    """Interactions with the ids of their rows (customers) and columns (products)."""

    interactions: "Interactions"
    customers: "np.ndarray"
    products: "np.ndarray"


def of_customer(customer: Customer, *, now: datetime) -> list[Touch]:
    """Everything this customer did with products until now, oldest first. Three queries.

    Nobody in particular (a customer who was never saved) did nothing.
    """
    if customer.pk is None:
        return []
    rows = list(EVENTS_OF.rows(customer=customer.pk, until=now))
    lines_and_opinions = SAID_OF.rows(customer=customer.pk, until=now)
    touches = [
        *_bought((who, what, at) for who, what, score, at in lines_and_opinions if score is None),
        *_happened(rows, _ids({sku_in(data) for _, _, data, _ in rows})),
        *_rated(row for row in lines_and_opinions if row[2] is not None),
    ]
    return sorted(touches, key=lambda touch: touch.at)


def of_everybody(*, as_of: datetime) -> Iterator[Touch]:
    """Everything that any customer did with products until then, in no order. Four queries."""
    ids = dict(Product.objects.values_list("sku", "pk"))
    yield from _bought(_lines(as_of).iterator(chunk_size=20_000))
    yield from _happened(_events(as_of).iterator(chunk_size=20_000), ids)
    yield from _rated(_opinions(as_of).iterator(chunk_size=20_000))


def table(*, as_of: datetime) -> Table:
    """The weighted interactions of all customers; columns are all products that we know."""
    touches = [touch for touch in of_everybody(as_of=as_of) if touch.weight > 0]
    loud = loudness.of(touches, as_of=as_of)
    return _table(
        [touch.customer_id for touch in touches],
        [touch.product_id for touch in touches],
        [touch.weight * loud[number] for number, touch in enumerate(touches)],
        [touch.at.timestamp() / DAY for touch in touches],
        explicit=False,
    )


def ratings(*, as_of: datetime) -> Table:
    """Scores that customers gave to products, the last one where they gave several."""
    rows = list(_opinions(as_of).order_by("at"))
    return _table(
        [customer for customer, _, _, _ in rows],
        [product for _, product, _, _ in rows],
        [score for _, _, score, _ in rows],
        [at.timestamp() / DAY for _, _, _, at in rows],
        explicit=True,
    )


def sku_in(data: dict[str, Any]) -> str:
    """The product an event speaks of, under the names that senders use."""
    return str(data.get("sku") or data.get("product_id") or "")


def _table(
    customers: list[int],
    products: list[int],
    values: list[float],
    days: list[float],
    *,
    explicit: bool,
) -> Table:
    import numpy as np

    from recommendations import catalogue
    from recommendations.ml.interactions import Interactions

    rows, row_of = np.unique(np.asarray(customers, dtype=np.int64), return_inverse=True)
    columns, features = catalogue.described()
    interactions = Interactions.from_rows(
        (row_of, np.searchsorted(columns, np.asarray(products, dtype=np.int64))),
        np.asarray(values, dtype=float),
        np.asarray(days, dtype=float),
        shape=(len(rows), len(columns)),
        features=features,
        explicit=explicit,
        graded=not explicit,
    )
    return Table(interactions, rows, columns)


def _lines(until: datetime) -> Any:
    return OrderLine.objects.filter(
        order__in=Order.objects.sales(), order__placed_at__lte=until
    ).values_list("order__customer_id", "product_id", "order__placed_at")


def _events(until: datetime) -> Any:
    return Event.objects.filter(kind__in=EVENT_KINDS, happened_at__lte=until).values_list(
        "customer_id", "kind", "data", "happened_at"
    )


def _opinions(until: datetime) -> Any:
    return Feedback.objects.filter(
        at__lte=until, kind__in=OPINIONS, product__isnull=False, score__isnull=False
    ).values_list("customer_id", "product_id", "score", "at")


def _bought(rows: Iterable[tuple[int, int, datetime]]) -> Iterator[Touch]:
    for customer, product, at in rows:
        yield Touch(customer, product, "bought", at)


def _happened(
    rows: Iterable[tuple[int, str, dict[str, Any], datetime]], ids: dict[str, int]
) -> Iterator[Touch]:
    for customer, kind, data, at in rows:
        product = ids.get(sku_in(data))
        if product is not None:
            place = str(data.get("placement") or ""), int(data.get("position") or 0)
            yield Touch(customer, product, EVENT_KINDS[kind], at, *place)


def _rated(rows: Iterable[tuple[int, int, float, datetime]]) -> Iterator[Touch]:
    for customer, product, score, at in rows:
        if score >= GOOD_SCORE:
            yield Touch(customer, product, "rated", at)
        elif score <= BAD_SCORE:
            yield Touch(customer, product, "disliked", at)


def _ids(skus: set[str]) -> dict[str, int]:
    if not skus:
        return {}
    return dict(IDS_OF.rows(skus=list(skus)) if len(skus) <= FEW else _named(skus))


def _named(skus: Collection[str]) -> Any:
    return Product.objects.filter(sku__in=skus).values_list("sku", "pk")


FEW = 64  # products that most customers looked at, at most

# Of one customer, asked at every request.
IDS_OF = Prepared(_named, skus=(str, FEW))
EVENTS_OF = Prepared(
    lambda customer, until: (
        _events(until).filter(customer=customer).order_by("-happened_at")[:EVENTS_READ]
    ),
    customer=int,
    until=datetime,
)
SAID_OF = Prepared(  # with a purchase: lines have no score, opinions have
    lambda customer, until: (
        _lines(until)
        .filter(order__customer=customer)
        .annotate(score=Value(None, FloatField()))
        .values_list("order__customer_id", "product_id", "score", "order__placed_at")
        .union(_opinions(until).filter(customer=customer), all=True)
    ),
    customer=int,
    until=datetime,
)
