"""Small worlds for tests: plain functions, few arguments, fixed time."""

from datetime import UTC, datetime, timedelta
from itertools import count

from crm.models import (
    Brand,
    Category,
    Consent,
    Customer,
    Identity,
    Order,
    OrderLine,
    Partner,
    PartnerKey,
    Product,
    Topic,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = count(1)


def make_customer(name="Ada", *, email=None, language="en", at=NOON, **fields):
    number = next(_numbers)
    email = f"{name.lower()}{number}@example.org" if email is None else email
    customer = Customer.objects.create(
        name=name,
        email=email,
        language=language,
        is_known=True,
        first_seen_at=at,
        last_seen_at=at,
        **fields,
    )
    if email:
        Identity.objects.create(
            customer=customer, kind="email", value=email, source="test", first_seen_at=at
        )
    return customer


def make_topic(slug="offers"):
    return Topic.objects.get_or_create(
        slug=slug, defaults={"name_en": slug.title(), "name_zh": "优惠"}
    )[0]


def agree(customer, *, topic=None, channel="email", at=NOON):
    return Consent.objects.create(
        customer=customer,
        channel=channel,
        topic=topic or make_topic(),
        is_granted=True,
        changed_at=at,
    )


def make_category(slug="phone", zh="手机", aliases=()):
    return Category.objects.get_or_create(
        slug=slug,
        defaults={"name_en": slug.title(), "name_zh": zh, "aliases": list(aliases)},
    )[0]


def make_brand(slug="huawei", zh="华为", aliases=()):
    return Brand.objects.get_or_create(
        slug=slug,
        defaults={"name_en": slug.title(), "name_zh": zh, "aliases": list(aliases)},
    )[0]


def make_product(sku=None, *, title_en="Phone", price=100, stock=10, **fields):
    sku = sku or f"SKU{next(_numbers)}"
    return Product.objects.create(sku=sku, title_en=title_en, price=price, stock=stock, **fields)


def make_order(customer, *products, at=NOON, status="delivered", quantity=1):
    number = next(_numbers)
    order = Order.objects.create(
        number=f"SO{number:08d}",
        customer=customer,
        status=status,
        total=sum(product.price * quantity for product in products),
        placed_at=at,
        delivered_at=at + timedelta(days=2) if status == "delivered" else None,
        source="test",
    )
    for position, product in enumerate(products):
        OrderLine.objects.create(
            order=order,
            product=product,
            quantity=quantity,
            unit_price=product.price,
            key=str(position),
        )
    return order


def make_partner(name="Partner", **fields):
    return Partner.objects.create(name=f"{name} {next(_numbers)}", **fields)


def make_key(partner, *scopes, **fields):
    """(the key's row, its text)."""
    key = PartnerKey(partner=partner, name="test", created_at=NOON, scopes=list(scopes), **fields)
    text = key.cut()
    key.save()
    return key, text
