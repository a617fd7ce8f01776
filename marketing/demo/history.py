"""What the customers of the demo shop did: looked, bought, came back or did not, and said so."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from crm import timeline
from crm.models import Customer, Feedback, Order, OrderLine, Product
from marketing.demo import words
from marketing.demo.catalogue import Shelf
from marketing.demo.people import Crowd

SOURCE = "demo"
TROUBLED = 0.35  # share of this week's reviews that speak of late parcels
# What goes into the basket with what: (first, then, chance)
FOLLOWS = {"phone": ("headphones", 0.45), "laptop": ("headphones", 0.3), "shoes": ("watch", 0.3)}
FOLLOWS |= {"coffee_machine": ("kettle", 0.35), "rice_cooker": ("kettle", 0.3)}
FOLLOWS |= {"skincare": ("toothbrush", 0.35), "dress": ("jacket", 0.25)}
MATCHING = 0.7  # share of those who take the model of the same series, where its brand makes one
SEASON = {11: 2.2, 12: 1.7, 6: 1.4}  # Singles' Day, Christmas, 618


@dataclass
class Story:
    """Rows to be written, in the order in which they refer to each other."""

    orders: list[Order] = field(default_factory=list)
    lines: list[OrderLine] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    entries: list[timeline.Entry] = field(default_factory=list)


def live(crowd: Crowd, shelf: Shelf, *, now: datetime, rng: np.random.Generator) -> int:
    """Let every customer live until `now`; return how many orders they placed."""
    story = Story()
    for index, customer in enumerate(crowd.people):
        _Life(customer, index, crowd, shelf, story, rng, now).live()
    Order.objects.bulk_create(story.orders, batch_size=500)
    for line in story.lines:
        line.order_id = line.order.pk
    OrderLine.objects.bulk_create(story.lines, batch_size=500)
    Feedback.objects.bulk_create(story.feedback, batch_size=500)
    timeline.record_many(story.entries, received_at=now, announce=False)
    timeline.record_many(_order_facts(story), received_at=now, announce=False)
    Customer.objects.bulk_update(crowd.people, ["last_seen_at"], batch_size=500)
    return len(story.orders)


@dataclass
class _Life:
    """One customer with the shop, from the day they joined."""

    customer: Customer
    index: int
    crowd: Crowd
    shelf: Shelf
    story: Story
    rng: np.random.Generator
    now: datetime
    bought: set[int] = field(default_factory=set)
    orders: int = 0

    def live(self) -> None:
        at = self.customer.first_seen_at
        while at < self.now:
            self._browse(at)
            self._buy(at)
            self.customer.last_seen_at = at
            if self.rng.random() < self.crowd.leaves[self.index]:
                return
            days = self.rng.exponential(1 / self.crowd.rate[self.index])
            at += timedelta(days=float(days / SEASON.get(at.month, 1.0)) + 0.1)
        # Who is still with the shop looks around now and then without buying.
        for _ in range(int(self.rng.poisson(2))):
            seen = self.now - timedelta(days=float(self.rng.exponential(12)), minutes=5)
            if seen > self.customer.first_seen_at:
                self._browse(seen)
                self.customer.last_seen_at = max(self.customer.last_seen_at, seen)

    def _choose(self, category: int | None = None) -> int:
        """A product of this category (or of one they like) near their price and brand."""
        wants = self.crowd.wants[self.index]
        if category is None:
            category = int(self.rng.choice(len(wants), p=wants))
        options = np.flatnonzero(self.shelf.category == category)
        away = (self.shelf.level[options] - self.crowd.level[self.index]) / 0.22
        closeness = np.exp(-(away**2))
        loyal = self.shelf.brand[options] == self.crowd.brand[self.index]
        chance = closeness + 0.02 + 1.5 * closeness * loyal
        return int(self.rng.choice(options, p=chance / chance.sum()))

    def _companion(self, first: int, category: int) -> int:
        """What goes with a product: mostly the model of its brand and series, else their taste."""
        matching = self.shelf.matching(first, category)
        if matching is not None and self.rng.random() < MATCHING:
            return matching
        return self._choose(category)

    def _browse(self, at: datetime) -> None:
        for step in range(int(self.rng.integers(1, 5))):
            product = self.shelf.products[self._choose()]
            when = at - timedelta(minutes=20 - step * 3)
            self._note("crm.product_viewed", product, when)
            if self.rng.random() < 0.25:
                self._note("crm.product_added", product, when)

    def _basket(self) -> list[int]:
        first = self._choose()
        chosen = [first]
        follow = FOLLOWS.get(self.shelf.categories[self.shelf.category[first]])
        if follow and self.rng.random() < follow[1]:
            chosen.append(self._companion(first, self.shelf.categories.index(follow[0])))
        if self.rng.random() < 0.25:
            chosen.append(self._choose())
        return list(dict.fromkeys(c for c in chosen if c not in self.bought)) or [first]

    def _buy(self, at: datetime) -> None:
        chosen = self._basket()
        self.bought.update(chosen)
        self.orders += 1
        products = [self.shelf.products[c] for c in chosen]
        delivered = at + timedelta(days=3)
        arrived = delivered <= self.now
        order = Order(
            number=f"SO{10_000_000 + self.customer.pk * 1000 + self.orders}",
            customer=self.customer,
            status=Order.Status.DELIVERED if arrived else Order.Status.SHIPPED,
            total=sum((p.price for p in products), Decimal(0)),
            currency="CNY",
            placed_at=at,
            delivered_at=delivered if arrived else None,
            eta=None if arrived else delivered.date(),
            carrier="SF",
            source=SOURCE,
        )
        self.story.orders.append(order)
        for position, product in enumerate(products):
            self.story.lines.append(
                OrderLine(
                    order=order,
                    product=product,
                    quantity=1,
                    unit_price=product.price,
                    key=str(position),
                )
            )
            review_at = at + timedelta(days=float(self.rng.uniform(4, 15)))
            if self.rng.random() < 0.3 and review_at < self.now:
                self.story.feedback.append(self._review(product, order, at=review_at))

    def _review(self, product: Product, order: Order, *, at: datetime) -> Feedback:
        happy = self.crowd.happy[self.index]
        stars = int(np.clip(round(self.rng.normal(happy, 0.8)), 1, 5))
        chinese = self.customer.reads_chinese
        text = words.review(product, stars, chinese=chinese, rng=self.rng)
        if at > self.now - timedelta(days=words.TROUBLE_DAYS) and self.rng.random() < TROUBLED:
            text, stars = words.trouble(product, chinese=chinese, rng=self.rng), 2
        return Feedback(
            customer=self.customer,
            product=product,
            kind=Feedback.Kind.REVIEW,
            score=stars,
            text=text,
            language=self.customer.language,
            source=SOURCE,
            key=f"{order.number}:{product.sku}",
            at=at,
        )

    def _note(self, kind: str, product: Product, at: datetime) -> None:
        self.story.entries.append(
            timeline.Entry(
                customer_id=self.customer.pk,
                kind=kind,
                data={"sku": product.sku},
                happened_at=at,
                message_id=f"demo-{self.customer.pk}-{len(self.story.entries)}",
                source=SOURCE,
            )
        )


def _order_facts(story: Story) -> list[timeline.Entry]:
    skus: dict[int, list[str]] = {}
    for line in story.lines:
        skus.setdefault(line.order_id, []).append(line.product.sku)
    return [
        timeline.Entry(
            customer_id=order.customer_id,
            kind="crm.order_placed",
            data={
                "order_id": order.pk,
                "number": order.number,
                "total": str(order.total),
                "skus": skus[order.pk],
            },
            happened_at=order.placed_at,
            message_id=f"crm.order_placed:{order.pk}",
            source=SOURCE,
        )
        for order in story.orders
    ]
