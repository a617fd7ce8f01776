"""Campaigns of the demo store: one that ended, with a true effect planted, and one to start."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction

from campaigns import preparing
from campaigns.demo_templates import COUPONS, TEMPLATES
from campaigns.events import MessageClicked, MessageOpened, MessageSent
from campaigns.models import Campaign, Coupon, Delivery, LinkTarget, Template, Variant
from crm import consent, timeline
from crm.events import Fact, OrderPlaced
from crm.models import (
    Category,
    Channel,
    Customer,
    Membership,
    Order,
    OrderLine,
    Product,
    Segment,
    Topic,
)

AGO = timedelta(days=40)
EFFECT = {"A": 0.06, "B": 0.12}  # of those who got it, the share who order because of it
OPENED, CLICKED = 0.42, 0.28  # of those who got it; of those who opened
FAILED = 0.01


@transaction.atomic
def past_campaigns(*, now: datetime, rng: np.random.Generator, staff: Any = None) -> int:
    """Fill in coupons, templates, a finished campaign with its truth, and a draft.

    Returns how many orders the treatment caused: the effect that the result page should find.
    A second call changes nothing and returns 0.
    """
    if Template.objects.filter(name=TEMPLATES[0]["name"]).exists():
        return 0
    templates = [Template.objects.create(**fields) for fields in TEMPLATES]
    topic, _ = Topic.objects.get_or_create(
        slug="offers", defaults={"name_en": "Offers", "name_zh": "优惠"}
    )
    _coupons(now=now, rng=rng)
    readers = _readers(topic, at=now - AGO)
    ended = _campaign(
        "Spring picks",
        readers,
        topic,
        staff,
        variants=[("A", templates[0]), ("B", templates[1])],
        holdout_share=Decimal("0.2"),
    )
    _campaign(
        "We miss you",
        readers,
        topic,
        staff,
        variants=[("A", templates[2]), ("B", templates[1])],
        holdout_share=Decimal("0.1"),
    )
    return _happened(ended, at=now - AGO, rng=rng)


def _coupons(*, now: datetime, rng: np.random.Generator) -> None:
    categories = {category.slug: category for category in Category.objects.all()}
    coupons = [
        Coupon(
            code=code,
            category=categories.get(slug or ""),
            text_en=english,
            text_zh=chinese,
            valid_from=(now - timedelta(days=7)).date(),
            valid_to=(now + timedelta(days=days)).date(),
        )
        for code, slug, english, chinese, days in COUPONS
        if slug is None or slug in categories
    ]
    known = list(Customer.objects.known().order_by("pk").values_list("pk", flat=True))
    coupons += [
        Coupon(
            code=f"FOR{pk:06d}",
            customer_id=pk,
            text_en="15 % off, for you alone",
            text_zh="你的专属 85 折",
            valid_from=now.date(),
            valid_to=(now + timedelta(days=30)).date(),
        )
        for pk in known
        if rng.random() < 0.05
    ]
    Coupon.objects.bulk_create(coupons, batch_size=1000, ignore_conflicts=True)


def _readers(topic: Topic, *, at: datetime) -> Segment:
    """Whoever agreed to offers by e-mail and was a customer then."""
    segment, _ = Segment.objects.get_or_create(
        slug="newsletter-readers",
        defaults={
            "name_en": "Newsletter readers",
            "name_zh": "邮件订阅者",
            "description_en": "Customers who agreed to offers by e-mail.",
            "description_zh": "同意接收优惠邮件的客户。",
            "kind": Segment.Kind.STATIC,
            "refreshed_at": at,
        },
    )
    seen = Customer.objects.known().filter(first_seen_at__lte=at)
    wanted = consent.consenting(seen, channel=Channel.EMAIL, topic=topic).order_by("pk")
    rows = [
        Membership(segment=segment, customer_id=pk, entered_at=at, reason={"consent": topic.slug})
        for pk in wanted.values_list("pk", flat=True)
    ]
    Membership.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    segment.size = len(rows)
    segment.save(update_fields=["size"])
    return segment


def _campaign(
    name: str,
    segment: Segment,
    topic: Topic,
    staff: Any,
    *,
    variants: Sequence[tuple[str, Template]],
    holdout_share: Decimal,
) -> Campaign:
    campaign = Campaign.objects.create(
        name=name,
        segment=segment,
        topic=topic,
        created_by=staff,
        holdout_share=holdout_share,
    )
    for label, template in variants:
        Variant.objects.create(campaign=campaign, label=label, template=template)
    return campaign


def _happened(campaign: Campaign, *, at: datetime, rng: np.random.Generator) -> int:
    """Play the campaign as if it had been sent then; return the orders that it caused."""
    Campaign.objects.filter(pk=campaign.pk).update(
        status=Campaign.Status.MATERIALISING, started_at=at, created_at=at - timedelta(days=1)
    )
    preparing.prepare_all(campaign.pk, now=at)
    link = LinkTarget.objects.create(
        campaign=campaign, url="https://shop.example.com/", digest="demo"
    )
    queued = campaign.deliveries.filter(status=Delivery.Status.QUEUED)
    deliveries = list(queued.select_related("variant").order_by("pk"))
    entries: list[timeline.Entry] = []
    for delivery in deliveries:
        entries += _fate(delivery, campaign, link, at=at, rng=rng)
    Delivery.objects.bulk_update(
        deliveries,
        ["status", "reason", "attempts", "attempted_at", "sent_at", "told_at", "opened_at"]
        + ["clicked_at"],
        batch_size=500,
    )
    caused = _caused_orders(deliveries, at=at, rng=rng)
    timeline.record_many(entries + caused, received_at=at, announce=False)
    Campaign.objects.filter(pk=campaign.pk).update(
        status=Campaign.Status.FINISHED, finished_at=at + timedelta(minutes=20)
    )
    return len(caused)


def _fate(
    delivery: Delivery,
    campaign: Campaign,
    link: LinkTarget,
    *,
    at: datetime,
    rng: np.random.Generator,
) -> list[timeline.Entry]:
    """What became of one message; returns what the timeline hears of it."""
    delivery.attempts, delivery.attempted_at = 1, at + timedelta(seconds=float(rng.uniform(0, 900)))
    if rng.random() < FAILED:
        delivery.status, delivery.reason = Delivery.Status.FAILED, "550 no such user"
        return []
    delivery.status = Delivery.Status.SENT
    delivery.sent_at = delivery.told_at = delivery.attempted_at
    about: dict[str, Any] = {
        "delivery_id": delivery.pk,
        "campaign_id": campaign.pk,
        "campaign": campaign.name,
    }
    sent = MessageSent(**about, variant=delivery.variant.label, channel=delivery.channel)
    entries = [_entry(delivery, sent, at=delivery.sent_at)]
    if rng.random() < OPENED:
        delivery.opened_at = delivery.sent_at + timedelta(hours=float(rng.exponential(9)))
        entries.append(_entry(delivery, MessageOpened(**about), at=delivery.opened_at))
        if rng.random() < CLICKED:
            delivery.clicked_at = delivery.opened_at + timedelta(seconds=float(rng.uniform(5, 90)))
            clicked = MessageClicked(**about, url=link.url)
            entries.append(_entry(delivery, clicked, at=delivery.clicked_at))
    return entries


def _caused_orders(
    deliveries: Sequence[Delivery], *, at: datetime, rng: np.random.Generator
) -> list[timeline.Entry]:
    """Orders that would not have been placed without the message."""
    products = list(Product.objects.for_sale().order_by("pk"))
    persuaded = [
        delivery
        for delivery in deliveries
        if delivery.sent_at and rng.random() < EFFECT[delivery.variant.label]
    ]
    if not products:
        return []
    chosen = [products[int(rng.integers(len(products)))] for _ in persuaded]
    orders = [
        _order(delivery, product, at=at + timedelta(hours=float(rng.uniform(2, 300))))
        for delivery, product in zip(persuaded, chosen, strict=True)
    ]
    Order.objects.bulk_create(orders, batch_size=500)
    lines = [
        OrderLine(order=order, product=product, quantity=1, unit_price=product.price, key="1")
        for order, product in zip(orders, chosen, strict=True)
    ]
    OrderLine.objects.bulk_create(lines, batch_size=500)
    return [
        _entry(delivery, _placed(order, product), at=order.placed_at)
        for delivery, order, product in zip(persuaded, orders, chosen, strict=True)
    ]


def _order(delivery: Delivery, product: Product, *, at: datetime) -> Order:
    return Order(
        number=f"SO-D{delivery.pk:07d}",
        customer_id=delivery.customer_id,
        status=Order.Status.DELIVERED,
        total=product.price,
        currency=product.currency,
        placed_at=at,
        delivered_at=at + timedelta(days=3),
        source="demo",
    )


def _placed(order: Order, product: Product) -> OrderPlaced:
    return OrderPlaced(
        order_id=order.pk, number=order.number, total=str(order.total), skus=(product.sku,)
    )


def _entry(delivery: Delivery, fact: Fact, *, at: datetime) -> timeline.Entry:
    key: object = f"{delivery.pk}-demo" if isinstance(fact, MessageClicked) else delivery.pk
    if isinstance(fact, OrderPlaced):
        key = fact.order_id
    return timeline.Entry(
        customer_id=delivery.customer_id,
        kind=fact.kind,
        data=asdict(fact),  # type: ignore[call-overload]  # facts are dataclasses
        happened_at=at,
        message_id=f"{fact.kind}:{key}",
        source="rapport" if fact.kind.startswith("campaigns.") else "demo",
    )
