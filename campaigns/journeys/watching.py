"""Products that became cheaper or can be bought again, told to who looked at them.

The products are compared with how they were when we last looked, so that it does not matter who
changed them: a person, an import or a partner.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, Value, When

from campaigns.events import BackInStock, PriceDropped
from campaigns.journeys import kinds
from campaigns.models import ProductWatch
from crm import timeline
from crm.models import CartItem, Event, Product

LOOKED_AT = timedelta(days=30)
MOST = 500  # products at one look
IS_FOR_SALE = Case(When(Q(is_active=True) & ~Q(stock=0), then=Value(True)), default=Value(False))
Fact = PriceDropped | BackInStock


def watch(*, now: datetime) -> int:
    """Tell whom it may concern; return how many were told. Nothing while no journey listens."""
    if not {PriceDropped.kind, BackInStock.kind} & kinds.wanted():
        return 0
    _begin()
    told = 0
    while changed := _changed():
        told += _tell(changed, now=now)
    return told


def _begin() -> None:
    """A product that is seen for the first time has not become anything."""
    known = ProductWatch.objects.filter(sku=OuterRef("sku"))
    new = Product.objects.filter(~Exists(known)).annotate(for_sale=IS_FOR_SALE)
    found = new.values_list("sku", "price", "for_sale").iterator(chunk_size=2000)
    rows = [ProductWatch(sku=sku, price=price, is_for_sale=sale) for sku, price, sale in found]
    ProductWatch.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)


def _changed() -> list[tuple[Product, ProductWatch]]:
    same = ProductWatch.objects.filter(
        sku=OuterRef("sku"), price=OuterRef("price"), is_for_sale=OuterRef("for_sale")
    )
    found = Product.objects.annotate(for_sale=IS_FOR_SALE).filter(~Exists(same)).order_by("pk")
    products = list(found[:MOST])
    known = {one.sku: one for one in ProductWatch.objects.filter(sku__in=[p.sku for p in products])}
    return [(one, known[one.sku]) for one in products if one.sku in known]


@transaction.atomic
def _tell(changed: Sequence[tuple[Product, ProductWatch]], *, now: datetime) -> int:
    told = 0
    for product, before in changed:
        is_for_sale = product.is_active and product.stock != 0
        ours = ProductWatch.objects.filter(
            pk=before.pk, price=before.price, is_for_sale=before.is_for_sale
        )
        if not ours.update(price=product.price, is_for_sale=is_for_sale):
            continue  # another worker has told of it
        for fact in _facts(product, before, is_for_sale):
            told += _record(product, fact, now=now)
    return told


def _facts(product: Product, before: ProductWatch, is_for_sale: bool) -> list[Fact]:
    facts: list[Fact] = []
    if is_for_sale and not before.is_for_sale:
        facts.append(BackInStock(sku=product.sku))
    if is_for_sale and product.price < before.price:
        was, price = str(before.price), str(product.price)
        facts.append(PriceDropped(sku=product.sku, before=was, price=price))
    return facts


def _record(product: Product, fact: Fact, *, now: datetime) -> int:
    looked = Event.objects.filter(
        kind="crm.product_viewed",
        happened_at__range=(now - LOOKED_AT, now),
        data__sku=product.sku,
        customer__merged_into=None,
    )
    carts = CartItem.objects.filter(product=product, customer__merged_into=None)
    people = {*looked.values_list("customer", flat=True).distinct()}
    people |= {*carts.values_list("customer", flat=True)}
    entries = [
        timeline.Entry(
            customer_id=pk,
            kind=fact.kind,
            data=asdict(fact),
            happened_at=now,
            message_id=f"{fact.kind}:{product.pk}:{pk}:{now.isoformat()}",
            source=timeline.SOURCE,
        )
        for pk in sorted(people)
    ]
    timeline.record_many(entries, received_at=now)
    return len(entries)
