"""What let somebody into a journey, for the templates of its messages.

    event.kind           which event it was, as `crm.product_added`
    event.product        the product that it was about: title, price, currency, url, image, sku;
                         old_price and saving where it has become cheaper
    event.cart           what lies in their cart now: the same of each, and quantity
    event.products       of an order: the same of each
    event.number         of an order

What is not known is left out, so that `default` helps and a preview says what is missing. A
template that does not speak of `event` costs nothing.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from campaigns.decisions import offers
from campaigns.decisions.offers import Said, named
from campaigns.journeys.traces import MOST_STEPS
from campaigns.models import Delivery, PassageStep, Template
from crm.models import CartItem, Customer, Event, Product

PARTS = ("subject", "body", "text")
MOST_LINES = 10  # of a cart, or of an order
SAMPLED = timedelta(days=365)
_SPOKEN = re.compile(r"\bevent\s*(\.|\[)")
# What a preview takes for the event, the first that the customer has.
SAMPLES = ("campaigns.price_dropped", "crm.product_added", "crm.product_viewed", "crm.order_placed")


def is_wanted(template: Template, language: str) -> bool:
    """Whether the template speaks of the event in this language."""
    return any(_SPOKEN.search(getattr(template, f"{part}_{language}")) for part in PARTS)


def of_deliveries(wishes: Mapping[int, str], *, journey_id: int) -> dict[int, Said]:
    """By delivery: what let its reader in. `wishes`: their languages. Five queries at most."""
    rows = Delivery.objects.filter(pk__in=wishes).values_list("pk", "customer_id", "occurrence")
    found = [(pk, customer, occurrence // MOST_STEPS) for pk, customer, occurrence in rows]
    events = _events(journey_id, {customer for _, customer, _ in found})
    told = {pk: events.get((customer, number)) for pk, customer, number in found}
    customers = {pk: customer for pk, customer, _ in found}
    return _said(
        [(pk, event, customers[pk], wishes[pk]) for pk, event in told.items() if event is not None]
    )


def sample(customer: Customer, language: str, *, now: datetime) -> Said:
    """What a preview shows: the newest event of theirs that journeys usually begin with."""
    recent = Event.objects.filter(
        customer=customer, kind__in=SAMPLES, happened_at__range=(now - SAMPLED, now)
    )
    newest: dict[str, Event] = {}
    for event in recent.order_by("-happened_at", "-id")[:200]:
        newest.setdefault(event.kind, event)
    found = [newest[kind] for kind in SAMPLES if kind in newest]
    return _said([(0, found[0], customer.pk, language)])[0] if found else {}


def links(event: Said) -> set[str]:
    """The addresses that a message about it may name."""
    lists = (event.get("cart"), event.get("products"), [event.get("product")])
    said = [one for some in lists if isinstance(some, list) for one in some]
    return {str(one["url"]) for one in said if isinstance(one, Mapping) and "url" in one}


def _events(journey_id: int, customers: Collection[int]) -> dict[tuple[int, int], Event]:
    """By customer and the number of their passage."""
    first = PassageStep.objects.filter(
        passage__journey=journey_id, passage__customer__in=customers, position=0
    )
    steps = first.values_list("passage__customer", "passage__number", "detail")
    ids = {(c, n): detail["id"] for c, n, detail in steps if isinstance(detail.get("id"), int)}
    events = Event.objects.in_bulk(set(ids.values()))
    return {place: events[pk] for place, pk in ids.items() if pk in events}


def _said(wanted: Iterable[tuple[int, Event, int, str]]) -> dict[int, Said]:
    """By the first of each: event, customer and language, in words. Two queries."""
    wanted = list(wanted)
    skus = {sku for _, event, _, _ in wanted for sku in _skus(event)}
    products = {one.sku: one for one in Product.objects.filter(sku__in=skus)} if skus else {}
    carts: dict[int, list[CartItem]] = {}
    lines = CartItem.objects.filter(customer__in={customer for _, _, customer, _ in wanted})
    for line in lines.select_related("product").order_by("-added_at", "pk") if wanted else ():
        carts.setdefault(line.customer_id, []).append(line)
    return {
        key: _of_event(event, products, carts.get(customer, []), language)
        for key, event, customer, language in wanted
    }


def _of_event(
    event: Event, products: Mapping[str, Product], cart: list[CartItem], language: str
) -> Said:
    known = [products[sku] for sku in _skus(event) if sku in products]
    is_order = event.kind == "crm.order_placed"
    about = _product(known[0], language) | _cheaper(event.data) if known and not is_order else None
    return named(
        kind=event.kind,
        product=about,
        products=[_product(one, language) for one in known[:MOST_LINES]] if is_order else None,
        cart=[
            _product(one.product, language) | named(quantity=one.quantity)
            for one in cart[:MOST_LINES]
        ]
        or None,
        number=str(event.data.get("number") or ""),
    )


def _product(one: Product, language: str) -> Said:
    return offers.product(one, language) | named(sku=one.sku)


def _cheaper(data: Mapping[str, Any]) -> Said:
    """The price as it was told: the product may cost something else by now."""
    try:
        before, price = Decimal(str(data["before"])), Decimal(str(data["price"]))
    except (KeyError, InvalidOperation):
        return {}
    if not before > price >= 0:
        return {}
    return named(old_price=f"{before:,.2f}", saving=f"{before - price:,.2f}")


def _skus(event: Event) -> list[str]:
    data = event.data if isinstance(event.data, Mapping) else {}
    listed = data.get("skus")
    skus = listed if isinstance(listed, list) else [data.get("sku")]
    return [sku for sku in skus if isinstance(sku, str) and sku][:MOST_LINES]
