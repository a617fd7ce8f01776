"""The customers of the demo shop: who they are, what they like, when they come and when they go.

Planted, so that models have something true to find:
- five tastes, each with its own categories; a favourite brand; a level of price;
- each comes at a rate of their own (gamma) and may leave for good after an order (beta),
  which is the BG/NBD story of Fader, Hardie and Lee (2005);
- November and December sell more, and so do weekends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from crm.models import Consent, Customer, Evidence, Identity, Topic

TASTES: dict[str, dict[str, float]] = {
    "gadgets": {"phone": 3, "headphones": 4, "watch": 3, "tablet": 2},
    "work": {"laptop": 3, "tablet": 2, "coffee_machine": 2, "headphones": 2, "kettle": 1},
    "sport": {"shoes": 5, "watch": 3, "jacket": 3, "headphones": 1},
    "home": {"rice_cooker": 3, "vacuum": 3, "kettle": 3, "coffee_machine": 2, "toothbrush": 2},
    "style": {"dress": 4, "skincare": 5, "jacket": 2, "shoes": 2, "toothbrush": 1},
}
STRAY = 0.25  # weight of every other category: nobody is only one thing
HORIZON = 540  # days of history
FAMILY = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林罗高"
GIVEN = ["伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明"]
GIVEN += ["超", "秀英", "霞", "平", "刚", "桂英", "子涵", "雨桐", "浩然", "欣怡", "梓萱"]
FIRST = ["Alice", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack"]
LAST = ["Smith", "Jones", "Brown", "Taylor", "Wilson", "Davies", "Evans", "Thomas", "Roberts"]
PLACES = [("United Kingdom", "Europe/London"), ("Germany", "Europe/Berlin")]
PLACES += [("United States", "America/New_York"), ("Singapore", "Asia/Singapore")]


@dataclass(frozen=True)
class Crowd:
    """Customers with the hidden causes of what they will do; arrays in the order of `people`."""

    people: list[Customer]
    wants: np.ndarray  # (customers, categories), rows add up to one
    brand: np.ndarray
    level: np.ndarray
    rate: np.ndarray  # orders a day while alive
    leaves: np.ndarray  # chance to leave after an order
    happy: np.ndarray  # mean stars they give


def invite(
    count: int, *, start: int, categories: list[str], now: datetime, rng: np.random.Generator
) -> Crowd:
    """Create `count` customers with identities and consents; numbers begin at `start`."""
    people = [_person(start + i, now=now, rng=rng) for i in range(count)]
    Customer.objects.bulk_create(people, batch_size=500)
    _identify(people, start)
    _ask(people, rng)
    tastes = np.array([[weights.get(c, STRAY) for c in categories] for weights in TASTES.values()])
    wants = tastes[rng.integers(len(TASTES), size=count)]
    wants = wants * rng.gamma(4, 0.25, size=wants.shape)
    return Crowd(
        people=people,
        wants=wants / wants.sum(axis=1, keepdims=True),
        brand=rng.integers(13, size=count),
        level=rng.beta(2, 3, size=count),
        rate=rng.gamma(1.2, 1 / 40, size=count),
        leaves=rng.beta(0.8, 4, size=count),
        happy=np.clip(rng.normal(4.1, 0.6, size=count), 1.5, 5),
    )


def _person(number: int, *, now: datetime, rng: np.random.Generator) -> Customer:
    chinese = rng.random() < 0.6
    # The shop grows: more people joined lately than long ago.
    joined = now - timedelta(days=float(HORIZON * (1 - np.sqrt(rng.random()))), hours=1)
    if chinese:
        name = f"{rng.choice(list(FAMILY))}{rng.choice(GIVEN)}"
        country, zone = "China", "Asia/Shanghai"
    else:
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        country, zone = PLACES[int(rng.integers(len(PLACES)))]
    return Customer(
        name=name,
        email=f"customer{number}@example.com",
        language="zh-hans" if chinese else "en",
        country=country,
        timezone=zone,
        traits={"member": bool(rng.random() < 0.3)},
        is_known=True,
        first_seen_at=joined,
        last_seen_at=joined,
    )


def _identify(people: list[Customer], start: int) -> None:
    """A user id and an address each, said in one breath when they signed up."""
    made = Identity.objects.bulk_create(
        (
            Identity(
                customer=person,
                kind=kind,
                value=value,
                source="demo",
                first_seen_at=person.first_seen_at,
                verified_at=person.first_seen_at,
            )
            for number, person in enumerate(people, start=start)
            for kind, value in (("user_id", f"demo-{number}"), ("email", person.email))
        ),
        batch_size=500,
    )
    Evidence.objects.bulk_create(
        (
            Evidence(
                one=user_id,
                other=email,
                kind=Evidence.Kind.IDENTIFY,
                source="demo",
                strength=Evidence.STRENGTHS[Evidence.Kind.IDENTIFY],
                at=user_id.first_seen_at,
            )
            for user_id, email in zip(made[::2], made[1::2], strict=True)
        ),
        batch_size=500,
    )


def _ask(people: list[Customer], rng: np.random.Generator) -> None:
    """Most agree to mail about offers, fewer to the rest; a few said no."""
    shares = {("email", "offers"): 0.8, ("email", "news"): 0.5, ("sms", "offers"): 0.35}
    topics = {topic.slug: topic for topic in Topic.objects.all()}
    Consent.objects.bulk_create(
        (
            Consent(
                customer=person,
                channel=channel,
                topic=topics[topic],
                is_granted=bool(rng.random() < share),
                changed_at=person.first_seen_at,
            )
            for person in people
            for (channel, topic), share in shares.items()
        ),
        batch_size=500,
    )
