"""A small shop whose customers have planted tastes, in the database."""

from datetime import timedelta

import numpy as np

from crm.models import Event, Feedback
from tests.factories import NOON, make_brand, make_category, make_customer, make_order, make_product


def make_shop(*, customers=48, kinds=3, of_each=8, orders=5, seed=0):
    """Products of a few kinds; every customer buys within one kind, one product an order.

    Returns (products by kind, customers by kind).
    """
    rng = np.random.default_rng(seed)
    products = [
        [
            make_product(
                f"K{kind}-{number}",
                title_en=f"Kind{kind} model{kind}{number}",
                title_zh=f"第{kind}类商品",
                category=make_category(f"kind{kind}", f"第{kind}类"),
                brand=make_brand(f"brand{number % 2}", f"品牌{number % 2}"),
                price=100 * (number + 1),
            )
            for number in range(of_each)
        ]
        for kind in range(kinds)
    ]
    people = [[] for _ in range(kinds)]
    for number in range(customers):
        kind = number % kinds
        customer = make_customer(f"C{number}")
        people[kind].append(customer)
        for step, chosen in enumerate(rng.permutation(of_each)[:orders]):
            at = NOON - timedelta(days=120 - 20 * step, minutes=number)
            make_order(customer, products[kind][chosen], at=at)
    return products, people


def view(customer, product, *, at=NOON, kind="crm.product_viewed"):
    return Event.objects.create(
        customer=customer,
        kind=kind,
        source="test",
        message_id=f"{kind}{customer.pk}{product.pk}{at.timestamp()}",
        data={"sku": product.sku},
        happened_at=at,
        received_at=at,
        dispatched_at=at,
    )


def rate(customer, product, score, *, at=NOON):
    return Feedback.objects.create(
        customer=customer,
        product=product,
        kind="rating",
        score=score,
        source="test",
        key=f"{customer.pk}-{product.pk}-{at.timestamp()}",
        at=at,
    )
