"""Products that a customer does not want to be shown, by their own word."""

from collections.abc import Sequence
from datetime import datetime

from crm import timeline
from crm.models import Customer, Product
from recommendations import interactions
from recommendations.events import DislikeTakenBack, ProductDisliked
from recommendations.interactions import Touch

SAYING = ("disliked", "forgiven", "rated", "bought")  # to buy it is to say something, too


def of(customer: Customer, *, now: datetime) -> set[int]:
    """Ids of what this customer dislikes at this moment."""
    return among(interactions.of_customer(customer, now=now))


def among(touches: Sequence[Touch]) -> set[int]:
    """Ids of the products of which the last thing said is that they are disliked."""
    return {product for product, said in _said(touches).items() if said.kind == "disliked"}


def record(customer: Customer, product: Product, *, placement: str, now: datetime) -> None:
    """Write down that they do not want to see it again. Twice is once."""
    fact = ProductDisliked(placement=placement, sku=product.sku)
    _tell(customer, product, fact, now=now)


def take_back(customer: Customer, product: Product, *, placement: str, now: datetime) -> None:
    """Write down that it may be shown after all; nothing where it is not disliked."""
    fact = DislikeTakenBack(placement=placement, sku=product.sku)
    _tell(customer, product, fact, now=now)


def _tell(
    customer: Customer,
    product: Product,
    fact: ProductDisliked | DislikeTakenBack,
    *,
    now: datetime,
) -> None:
    """Record what changes something. Who presses twice at once tells the same event twice."""
    last = _said(interactions.of_customer(customer, now=now)).get(product.pk)
    is_disliked = last is not None and last.kind == "disliked"
    if is_disliked == isinstance(fact, ProductDisliked):
        return
    since = f"{last.at:%Y%m%d%H%M%S%f}" if last else ""
    key = f"{customer.pk}:{product.pk}:{since}:{now:%Y%m%d%H%M}"
    timeline.record(customer, fact, at=now, key=key)


def _said(touches: Sequence[Touch]) -> dict[int, Touch]:
    """The last that was said of each product, for or against it."""
    return {touch.product_id: touch for touch in touches if touch.kind in SAYING}
